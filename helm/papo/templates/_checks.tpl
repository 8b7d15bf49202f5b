{{- /* What the schema cannot say: values that are right one by one, and unsafe together. Each is refused with one sentence. */ -}}
{{- define "papo.checks" -}}
{{- include "papo.checkQuorum" . -}}
{{- include "papo.checkStopping" . -}}
{{- include "papo.checkSettings" . -}}
{{- include "papo.checkEnvironment" . -}}
{{- include "papo.checkSwitches" . -}}
{{- include "papo.checkInstalled" . -}}
{{- include "papo.checkClaimOfCliente" . -}}
{{- end -}}

{{- /* How many servidores may be gone at once. */ -}}
{{- define "papo.minority" -}}
{{- div (sub (int .Values.servidor.replicas) 1) 2 -}}
{{- end -}}

{{- define "papo.checkQuorum" -}}
{{- $replicas := int .Values.servidor.replicas -}}
{{- if not (mod $replicas 2) -}}
{{- fail (printf "servidor.replicas is %d: an even number survives no more failures than %d do, and costs more; take %d or %d." $replicas (sub $replicas 1) (sub $replicas 1) (add $replicas 1)) -}}
{{- end -}}
{{- $allowed := .Values.servidor.podDisruptionBudget.maxUnavailable -}}
{{- $minority := int (include "papo.minority" .) -}}
{{- if and (not (kindIs "invalid" $allowed)) (gt (int $allowed) $minority) -}}
{{- fail (printf "servidor.podDisruptionBudget.maxUnavailable is %d: of %d servidores at most %d may be taken away at once, or no majority is left." (int $allowed) $replicas $minority) -}}
{{- end -}}
{{- end -}}

{{- /* How long a component may take to stop, in seconds: the pause before the signal, the drain, and some to spare. Brokers and
       servidores are told how long they may drain. A proxy hands on what has arrived, and the referencia has nothing to finish: both
       take no time worth counting. A bot reads the history once more and holds it against its ledger, for 24 s at most.
       Takes a dict of root and key, which is what the component is called in the values. */ -}}
{{- define "papo.stopSeconds" -}}
{{- $values := index .root.Values .key -}}
{{- $drain := ternary 24 (int $values.graceSeconds) (eq .key "clienteAutomatico") -}}
{{- add (int $values.preStopSeconds) $drain 5 -}}
{{- end -}}

{{- /* Some seconds pass before a pod is told to stop. (API servers before 1.33 refuse a pause of none.) */ -}}
{{- define "papo.lifecycle" -}}
{{- with .preStopSeconds -}}
lifecycle: { preStop: { sleep: { seconds: {{ . }} } } }
{{- end -}}
{{- end -}}

{{- define "papo.checkStopping" -}}
{{- range $key := list "broker" "proxy" "referencia" "servidor" "clienteAutomatico" -}}
{{- $values := index $.Values $key -}}
{{- $needed := int (include "papo.stopSeconds" (dict "root" $ "key" $key)) -}}
{{- $given := $values.terminationGracePeriodSeconds -}}
{{- if and (not (kindIs "invalid" $given)) (lt (int $given) $needed) -}}
{{- $parts := list -}}
{{- range $part := list "preStopSeconds" "graceSeconds" -}}
{{- if hasKey $values $part -}}{{- $parts = append $parts (printf "%s.%s" $key $part) -}}{{- end -}}
{{- end -}}
{{- $made := ternary (printf " (%s + 5)" (join " + " $parts)) "" (gt (len $parts) 0) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d: stopping may take %d s%s, and would be cut short." $key (int $given) $needed $made) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "papo.checkSettings" -}}
{{- range $key := list "broker" "proxy" "referencia" "servidor" "cliente" "clienteAutomatico" -}}
{{- $values := index $.Values $key -}}
{{- if and $values.existingConfigMap $values.existingSecret -}}
{{- fail (printf "%s.existingConfigMap and %s.existingSecret both name the settings file: give one of them." $key $key) -}}
{{- end -}}
{{- with $values.existingConfigMap | default $values.existingSecret -}}
{{- if $values.settings -}}
{{- fail (printf "%s.settings would be ignored, since the settings file is that of %s: write them there." $key .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Variables that wire the services together are the chart's; a second one of the same name would win, silently. */ -}}
{{- define "papo.checkEnvironment" -}}
{{- $ours := list "PAPO_NAME" "PAPO_DATA" "PAPO_ADVERTISE" "PAPO_GENESIS" "PAPO_PEERS" "PAPO_REFERENCIA" "PAPO_GRACE" "PAPO_HTTP" "PAPO_BROKER" "PAPO_PROXY" "PAPO_STATE" "PAPO_DRILL_HOOKS" "PAPO_DRILL_LISTEN" "PAPO_CONFIG" -}}
{{- range $key := list "all" "broker" "proxy" "referencia" "servidor" "cliente" "clienteAutomatico" "members" "drill" -}}
{{- range (index $.Values $key).extraEnv -}}
{{- if has .name $ours -}}
{{- fail (printf "%s.extraEnv sets %s, which the chart computes." $key .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "papo.checkSwitches" -}}
{{- with .Values -}}
{{- if and .drillHooks.enabled (not .networkPolicy.enabled) -}}
{{- fail "drillHooks.enabled needs networkPolicy.enabled: whoever reaches the hooks' port can crash a servidor." -}}
{{- end -}}
{{- if and .drill.nodes.enabled (not .drill.enabled) -}}
{{- fail "drill.nodes.enabled gives rights over nodes to a drill that is not there: set drill.enabled too, or neither." -}}
{{- end -}}
{{- if and .metrics.podMonitor.enabled .metrics.serviceMonitor.enabled -}}
{{- fail "metrics.podMonitor and metrics.serviceMonitor are both enabled: every number would be collected twice." -}}
{{- end -}}
{{- if and (or .metrics.podMonitor.enabled .metrics.serviceMonitor.enabled) .networkPolicy.enabled (not .networkPolicy.metrics) -}}
{{- fail "metrics are to be collected, but networkPolicy.metrics lets nobody in who could: say where Prometheus runs." -}}
{{- end -}}
{{- if and .tests.stranger.enabled (not .networkPolicy.enabled) -}}
{{- fail "tests.stranger.enabled tests what networkPolicy.enabled=false leaves out: nobody would be refused." -}}
{{- end -}}
{{- with .servidor.persistence -}}
{{- if and (not .enabled) (eq .medium "Memory") (not .sizeLimit) -}}
{{- fail "servidor.persistence.medium is Memory without a sizeLimit: the log would grow until the container is killed for its memory." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What an installed release, or the disks of an earlier one, say of themselves. Nothing is found by `helm template`, nor by
       tools that only render. */ -}}
{{- define "papo.checkInstalled" -}}
{{- $name := include "papo.name" (dict "root" . "component" "servidor") -}}
{{- $live := lookup "apps/v1" "StatefulSet" .Release.Namespace $name -}}
{{- if $live -}}
{{- $running := int (dig "spec" "replicas" 1 $live) -}}
{{- $wanted := int .Values.servidor.replicas -}}
{{- $known := dig "data" "names" "" (lookup "v1" "ConfigMap" .Release.Namespace (include "papo.genesisName" .)) -}}
{{- if and $running (ne $running $wanted) (not $known) -}}
{{- fail (printf "servidor.replicas is %d, but %d run that an earlier version of this chart has installed, which cannot change their number: upgrade with servidor.replicas=%d first." $wanted $running $running) -}}
{{- end -}}
{{- if and (not $running) $known (ne $known (include "papo.genesis" .)) -}}
{{- $had := len (splitList "," $known) -}}
{{- fail (printf "servidor.replicas is %d, but no servidor runs that could be told: start the %d that there were first (servidor.replicas=%d), then change their number." $wanted $had $had) -}}
{{- end -}}
{{- $data := dig "metadata" "annotations" "papo/data" "" $live -}}
{{- if and $data (ne $data (include "papo.data" .)) -}}
{{- fail (printf "servidor.persistence says %q, but this release was installed with %q: it cannot be changed after install." (include "papo.data" .) $data) -}}
{{- end -}}
{{- else if .Values.servidor.persistence.enabled -}}
{{- range $number := untilStep (int .Values.servidor.replicas) 7 1 -}}
{{- if lookup "v1" "PersistentVolumeClaim" $.Release.Namespace (printf "data-%s-%d" $name $number) -}}
{{- fail (printf "servidor.replicas is %d, but there is a claim data-%s-%d of an earlier install: take as many as that had, or delete the claims of those that did not count any more in the end." (int $.Values.servidor.replicas) $name $number) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What the claim template is made of, and whether there is one. */ -}}
{{- define "papo.data" -}}
{{- with .Values.servidor.persistence -}}
{{- if .enabled -}}
claims of {{ .size }}{{ with .storageClass }} of class {{ . }}{{ end }}
{{- else -}}
no claims
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The claim of the client: Kubernetes never changes the class of one, nor makes it smaller. (Whether its class can make it larger,
       the API server says.) */ -}}
{{- define "papo.checkClaimOfCliente" -}}
{{- $name := include "papo.name" (dict "root" . "component" "cliente") -}}
{{- with .Values.cliente.persistence -}}
{{- $live := ternary (lookup "v1" "PersistentVolumeClaim" $.Release.Namespace $name) dict .enabled -}}
{{- if $live -}}
{{- $has := dig "spec" "resources" "requests" "storage" "" $live -}}
{{- if lt (include "papo.bytes" .size | float64) (include "papo.bytes" $has | float64) -}}
{{- fail (printf "cliente.persistence.size is %s, but the claim %s has %s, and cannot become smaller: leave it, or delete the claim and the session in it." .size $name $has) -}}
{{- end -}}
{{- $class := dig "metadata" "annotations" "papo/storage-class" (dig "spec" "storageClassName" "" $live) $live -}}
{{- if and (ne .storageClass $class) (or .storageClass (hasKey (dig "metadata" "annotations" dict $live) "papo/storage-class")) -}}
{{- fail (printf "cliente.persistence.storageClass is %q, but the claim %s was made with %q, which cannot be changed: leave it, or delete the claim and the session in it." .storageClass $name $class) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* A quantity of Kubernetes as a number. */ -}}
{{- define "papo.bytes" -}}
{{- $number := regexFind "^[0-9.]+" . -}}
{{- $unit := trimPrefix $number . -}}
{{- $power := index (dict "" 0 "k" 1 "M" 2 "G" 3 "T" 4 "P" 5) (trimSuffix "i" $unit) | default 0 -}}
{{- $factor := ternary 1024.0 1000.0 (hasSuffix "i" $unit) -}}
{{- $bytes := float64 $number -}}
{{- range until (int $power) -}}{{- $bytes = mulf $bytes $factor -}}{{- end -}}
{{- $bytes -}}
{{- end -}}
