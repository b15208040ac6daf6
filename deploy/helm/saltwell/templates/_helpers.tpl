{{- define "saltwell.labels" -}}
app.kubernetes.io/part-of: saltwell
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Pods of one part. Takes {root, part}. */}}
{{- define "saltwell.selector" -}}
app.kubernetes.io/name: saltwell
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "saltwell.image" -}}
{{- $image := index .root.Values.images .name -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "saltwell.bootstrap" -}}
{{ .Values.kafka.name }}-kafka-bootstrap.{{ .Release.Namespace }}.svc:9093
{{- end }}

{{/* Names of the topics of this cluster: all of them at a centre; at the hub what comes from centres. As a list in JSON. */}}
{{- define "saltwell.topics" -}}
{{- $table := .Files.Get "files/topics.yaml" | fromYaml -}}
{{- $topics := list -}}
{{- if .Values.hub.enabled -}}
{{- range $centre := .Values.hub.centres -}}
{{- range $name := list "verdicts" "episodes.finished" -}}
{{- $topics = append $topics (dict "name" (printf "%s.%s" $centre.name $name) "config" (index $table $name "config")) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- range $name, $topic := $table -}}
{{- $topics = append $topics (dict "name" $name "config" $topic.config) -}}
{{- end -}}
{{- end -}}
{{ $topics | toJson }}
{{- end }}

{{/* What containers that Strimzi starts may not do. Takes their names in its template. */}}
{{- define "saltwell.kafkaContainers" -}}
{{- range . }}
{{ . }}:
  securityContext:
    {{- include "saltwell.containerSecurity" $ | nindent 4 }}
{{- end }}
{{- end }}

{{- define "saltwell.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}
