{{- /* Everything is called <fullname>-<component>, so that several releases live in one namespace. */ -}}
{{- define "papo.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* The name of a component's objects. Takes a dict of root and component. */ -}}
{{- define "papo.name" -}}
{{- printf "%s-%s" (include "papo.fullname" .root) .component -}}
{{- end -}}

{{- /* Labels that find a component's pods. They are in selectors and claim templates: they must never change. */ -}}
{{- define "papo.selectorLabels" -}}
app.kubernetes.io/name: papo
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* The metadata of an object: name, labels, annotations. Takes a dict of root, component, and perhaps name,
       annotations and clusterScoped. */ -}}
{{- define "papo.metadata" -}}
name: {{ .name | default (include "papo.name" .) }}
{{- if not .clusterScoped }}
namespace: {{ .root.Release.Namespace }}
{{- end }}
labels:
  {{- include "papo.selectorLabels" . | nindent 2 }}
  app.kubernetes.io/part-of: papo
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
  {{- with .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The image of a component: its own words first, then those for all. Takes a dict of root and values. */ -}}
{{- define "papo.image" -}}
{{- $image := merge (dict) (.values.image | default dict) .root.Values.image -}}
{{- printf "%s:%s" $image.repository ($image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}

{{- /* The account of pods that talk to no API server. Where none is made and none is named, it is the one that every namespace has. */ -}}
{{- define "papo.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "papo.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- /* The ConfigMap with the names of all servidores. */ -}}
{{- define "papo.genesisName" -}}
{{- printf "%s-genesis" (include "papo.name" (dict "root" . "component" "servidor")) -}}
{{- end -}}

{{- /* The names of the first servidores, separated by commas. Takes a dict of root and count. */ -}}
{{- define "papo.servidores" -}}
{{- $names := list -}}
{{- $name := include "papo.name" (dict "root" .root "component" "servidor") -}}
{{- range until (int .count) -}}
{{- $names = append $names (printf "%s-%d" $name .) -}}
{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{- /* The names of all servidores: who founds the cluster, and who is to count in it. */ -}}
{{- define "papo.genesis" -}}
{{- include "papo.servidores" (dict "root" . "count" .Values.servidor.replicas) -}}
{{- end -}}

{{- /* Where clients of ours find the chat: every broker and every proxy by its own address, so that losing one costs no
       lookup. (Names of Services with one address, <fullname>-broker and <fullname>-proxy, are for other clients.) */ -}}
{{- define "papo.clientEnv" -}}
- name: PAPO_BROKER
  value: {{ include "papo.fullname" . }}-broker-headless:5557
- name: PAPO_PROXY
  value: {{ include "papo.fullname" . }}-proxy-headless:5556
{{- end -}}
