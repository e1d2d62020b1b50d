{{- /* JSON: the capabilities that the agent has, of those that its features need. */ -}}
{{- define "otel-node-agent.capabilities" -}}
{{- $mode := .Values.capabilities -}}
{{- $without := $mode.drop -}}
{{- if not $mode.sysAdmin }}{{ $without = append $without "SYS_ADMIN" }}{{ end -}}
{{- if not $mode.sysResource }}{{ $without = append $without "SYS_RESOURCE" }}{{ end -}}
{{- $all := (.Files.Get "files/capabilities.json" | fromJson).capabilities -}}
{{- if lt (int .Values.port) 1024 }}{{ $all = append $all "NET_BIND_SERVICE" }}{{ end -}}
{{- $kept := list -}}
{{- range concat $all $mode.add }}{{ if not (has . $without) }}{{ $kept = append $kept . }}{{ end }}{{ end -}}
{{- $kept | uniq | sortAlpha | toJson -}}
{{- end -}}

{{- define "otel-node-agent.securityContext" -}}
{{- if .Values.privileged }}
privileged: true
{{- else }}
privileged: false
{{- if not .Values.capabilities.sysAdmin }}
allowPrivilegeEscalation: false
{{- end }}
capabilities:
  drop: [ALL]
  add: {{- include "otel-node-agent.capabilities" . | fromJsonArray | toYaml | nindent 4 }}
{{- with .Values.seccompProfile }}
seccompProfile: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}
{{- with .Values.appArmorProfile }}
appArmorProfile: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.seLinuxOptions }}
seLinuxOptions: {{- toYaml . | nindent 2 }}
{{- end }}
readOnlyRootFilesystem: true
runAsUser: 0
{{- end -}}

{{- /* The annotation in place of appArmorProfile. */ -}}
{{- define "otel-node-agent.appArmorAnnotation" -}}
{{- $profile := .Values.appArmorProfile -}}
{{- if and $profile (not .Values.privileged) (semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version) }}
container.apparmor.security.beta.kubernetes.io/agent: {{ get (dict "Unconfined" "unconfined" "RuntimeDefault" "runtime/default" "Localhost" (printf "localhost/%s" ($profile.localhostProfile | default ""))) $profile.type }}
{{- end }}
{{- end -}}

{{- /* A line for each feature that lacks a capability or a namespace. */ -}}
{{- define "otel-node-agent.lost" -}}
{{- $has := include "otel-node-agent.capabilities" . | fromJsonArray -}}
{{- if .Values.hostPID }}{{ $has = append $has "pid" }}{{ end -}}
{{- if .Values.hostNetwork }}{{ $has = concat $has (list "net" "uts") }}{{ end -}}
{{- if not .Values.privileged -}}
{{- $data := .Files.Get "files/capabilities.json" | fromJson -}}
{{- range $need := $data.general }}
{{- $met := false }}{{ range $need.any }}{{ if has . $has }}{{ $met = true }}{{ end }}{{ end }}
{{- if not $met }}
  Nothing is found out that needs {{ index $need.any 0 }} ({{ $need.for }}).
{{- end }}
{{- end }}
{{- range $feature, $spec := $data.features }}
{{- $off := false }}{{ $lacks := list }}
{{- range $need := $spec.needs }}
{{- $met := false }}{{ range $need.any }}{{ if has . $has }}{{ $met = true }}{{ end }}{{ end }}
{{- if not $met }}
{{- $lacks = append $lacks (printf "%s (%s%s)" (index $need.any 0) $need.for (ternary (printf ", below Linux %s" $need.below) "" (ne $need.below ""))) }}
{{- if not $need.lessens }}{{ $off = true }}{{ end }}
{{- end }}
{{- end }}
{{- if $lacks }}
  {{ $feature }} {{ ternary "is off" "works in a lesser way" $off }}, for want of {{ $lacks | uniq | join ", " }}. Without it: {{ $spec.without }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}
