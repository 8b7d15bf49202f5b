{{- /*
The pod of every component. Takes a dict of

  root       the top context
  component  as in the label
  values     the component's block of values
  own        what no other component has:
               args              of the program, which is called `program`
               env, ports, volumes, volumeMounts, lifecycle, tty
               probes            path to seconds that may pass until it must say yes, where the program serves them
               stopSeconds       how long it may take to stop
               affinity, spread  where it wants to be
               serviceAccount    if it talks to the API server; then it gets a token
               settings          false if it reads no settings file
*/ -}}
{{- define "papo.pod" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $own := .own -}}
{{- $all := $root.Values.all -}}
{{- $readsSettings := ne (get $own "settings" | toString) "false" -}}
metadata:
  labels:
    {{- $labels := include "papo.selectorLabels" . | fromYaml }}
    {{- toYaml (merge (dict) $labels $values.podLabels $all.podLabels) | nindent 4 }}
  {{- $annotations := merge (dict) $values.podAnnotations $all.podAnnotations }}
  {{- if $readsSettings }}
  {{- $_ := set $annotations "checksum/settings" (include "papo.settingsChecksum" .) }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ $own.serviceAccount | default (include "papo.serviceAccountName" $root) }}
  automountServiceAccountToken: {{ if $own.serviceAccount }}true{{ else }}false{{ end }}
  # Otherwise Kubernetes sets PAPO_BROKER_PORT and the like, and ours are called PAPO_ too.
  enableServiceLinks: false
  {{- with $own.restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds | default $own.stopSeconds }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName | default $all.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml $root.Values.podSecurityContext | nindent 4 }}
  {{- with merge (dict) $values.nodeSelector $all.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with merge (dict) (deepCopy $values.affinity) (deepCopy $all.affinity) ($own.affinity | default dict) }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat ($own.spread | default list) $all.topologySpreadConstraints $values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  tolerations:
    # A lost node's pods are replaced after so long, and not after the usual five minutes.
    {{- range list "not-ready" "unreachable" }}
    - key: node.kubernetes.io/{{ . }}
      operator: Exists
      effect: NoExecute
      tolerationSeconds: {{ $all.nodeLostSeconds }}
    {{- end }}
    {{- with concat $all.tolerations $values.tolerations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "papo.image" . }}
      imagePullPolicy: {{ (merge (dict) ($values.image | default dict) $root.Values.image).pullPolicy }}
      command:
        - {{ $own.program }}
      {{- $args := concat (ternary (list "--config=/etc/papo/settings.yaml") list $readsSettings) ($own.args | default list) ($values.extraArgs | default list) }}
      {{- with $args }}
      args:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if $own.tty }}
      stdin: true
      tty: true
      {{- end }}
      {{- with concat ($own.env | default list) $all.extraEnv $values.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with concat $all.extraEnvFrom $values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.ports }}
      ports:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.probes }}
      # Started: what it has on its own disk is read. Until then nothing else is asked.
      startupProbe:
        httpGet: { path: /startupz, port: http }
        periodSeconds: 1
        timeoutSeconds: 2
        failureThreshold: {{ .startupSeconds }}
      # Ready: this pod, by itself, can serve. Nothing about other pods, so that one death never spreads.
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
      # Alive: its loops turn, and its disk takes writes. Only a restart helps where not.
      livenessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      {{- end }}
      {{- with $own.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        {{- toYaml $root.Values.containerSecurityContext | nindent 8 }}
      volumeMounts:
        {{- if $readsSettings }}
        - name: settings
          mountPath: /etc/papo
          readOnly: true
        {{- end }}
        - name: tmp
          mountPath: /tmp
        {{- with concat ($own.volumeMounts | default list) $all.extraVolumeMounts $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- if $readsSettings }}
    {{- include "papo.settingsVolume" . | nindent 4 }}
    {{- end }}
    # The root file system is read-only.
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
    {{- with concat ($own.volumes | default list) $all.extraVolumes $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- /* Two pods of a kind are on two nodes where there are two. */ -}}
{{- define "papo.spreadOverNodes" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "papo.selectorLabels" . | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end -}}
