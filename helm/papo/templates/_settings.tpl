{{- /* A component's settings file: what its values say, and how to log. Takes a dict of root, component and values. */ -}}
{{- define "papo.settings" -}}
{{- $log := dict -}}
{{- if ne .component "cliente" -}}
{{- $log = dict "log-level" .root.Values.log.level "log-format" .root.Values.log.format -}}
{{- end -}}
{{- toYaml (merge (dict) .values.settings $log) -}}
{{- end -}}

{{- /* A sum over the settings that a component reads, also where they are somebody else's (then as far as the cluster can be
       asked), so that a change rolls its pods, and nothing else does. */ -}}
{{- define "papo.settingsChecksum" -}}
{{- if .values.existingConfigMap -}}
{{- $found := lookup "v1" "ConfigMap" .root.Release.Namespace .values.existingConfigMap -}}
{{- printf "%s %s" .values.existingConfigMap (toJson (get $found "data")) | sha256sum -}}
{{- else if .values.existingSecret -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .values.existingSecret -}}
{{- printf "%s %s" .values.existingSecret (toJson (get $found "data")) | sha256sum -}}
{{- else -}}
{{- include "papo.settings" . | sha256sum -}}
{{- end -}}
{{- end -}}

{{- /* The volume that the settings file comes from. */ -}}
{{- define "papo.settingsVolume" -}}
- name: settings
  {{- if .values.existingSecret }}
  secret:
    secretName: {{ .values.existingSecret }}
  {{- else }}
  configMap:
    name: {{ .values.existingConfigMap | default (include "papo.name" .) }}
  {{- end }}
{{- end -}}

{{- /* Our ConfigMap, unless somebody else's takes its place. */ -}}
{{- define "papo.settingsConfigMap" -}}
{{- if not (or .values.existingConfigMap .values.existingSecret) }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "papo.metadata" . | nindent 2 }}
data:
  settings.yaml: |
    {{- include "papo.settings" . | nindent 4 }}
{{- end }}
{{- end -}}
