{{- /* The configuration file. Values as JSON, or a million would be written 1e+06. */ -}}
{{- define "otel-node-agent.options" -}}
listen: {{ printf ":%v" .Values.port | toJson }}
{{- if .Values.cgroupDirectory }}
cgroupfs-root: /host/sys/fs/cgroup
{{- end }}
{{- if .Values.stateDirectory }}
state-dir: /var/lib/otel-node-agent
{{- end }}
{{- with .Values.otlp.tls }}
{{- if and .ca (or .secret .configMap) }}
ca-file: {{ printf "/etc/otel-node-agent/tls/%s" .ca | toJson }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.options }}
{{ $name }}: {{ toJson $value }}
{{- end }}
{{- end -}}

{{- /* "true" where something besides otlp.endpoint says where to push to, or may. */ -}}
{{- define "otel-node-agent.pushes" -}}
{{- $names := concat (keys .Values.options) (list "") -}}
{{- range .Values.env }}{{ $names = append $names .name }}{{ end -}}
{{- if or .Values.envFrom (has "collector-endpoint" $names) (has "metrics-endpoint" $names) (regexMatch "OTEL_METRICS_EXPORTER|OTLP_ENDPOINT|METRICS_ENDPOINT|COLLECTOR_ENDPOINT" (join " " $names)) }}true{{ end -}}
{{- end -}}

{{- define "otel-node-agent.env" -}}
{{- if .Values.otlp.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .Values.otlp.endpoint | quote }}
{{- else if not (include "otel-node-agent.pushes" .) }}
- name: OTEL_METRICS_EXPORTER
  value: prometheus
{{- end }}
{{- with .Values.otlp.headersSecret }}
{{- if .name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef: {{- dict "name" .name "key" .key | toYaml | nindent 6 }}
{{- end }}
{{- end }}
{{- if .Values.otlp.tls.client }}
- name: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE
  value: /etc/otel-node-agent/tls/tls.crt
- name: OTEL_EXPORTER_OTLP_CLIENT_KEY
  value: /etc/otel-node-agent/tls/tls.key
{{- end }}
{{- with .Values.apiKeySecret }}
{{- if .name }}
- name: API_KEY
  valueFrom:
    secretKeyRef: {{- dict "name" .name "key" .key | toYaml | nindent 6 }}
{{- end }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}
