{{/*
What each function may do in the cluster, and the relay: the least that works. test/chart runs every kind with exactly
these rights on a real API server.
*/}}

{{- define "longshore.rules.events" -}}
- apiGroups: ['']
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* Credentials that an object names: read by name, never listed. */}}
{{- define "longshore.rules.credentials" -}}
- apiGroups: ['']
  resources: [secrets, serviceaccounts]
  verbs: [get]
{{- if .Values.functions.objectLevelWorkloadIdentity }}
- apiGroups: ['']
  resources: [serviceaccounts/token]
  verbs: [create]
{{- end }}
{{- end }}

{{- define "longshore.rules.image-repository" -}}
- apiGroups: [image.toolkit.fluxcd.io]
  resources: [imagerepositories]
  verbs: [get, patch]
- apiGroups: [image.toolkit.fluxcd.io]
  resources: [imagerepositories/status]
  verbs: [patch]
{{ include "longshore.rules.credentials" . }}
{{ include "longshore.rules.events" . }}
{{- end }}

{{- define "longshore.rules.image-policy" -}}
- apiGroups: [image.toolkit.fluxcd.io]
  resources: [imagepolicies]
  verbs: [get, patch]
- apiGroups: [image.toolkit.fluxcd.io]
  resources: [imagepolicies/status]
  verbs: [patch]
- apiGroups: [image.toolkit.fluxcd.io]
  resources: [imagerepositories]
  verbs: [get]
- apiGroups: ['']
  resources: [namespaces]
  verbs: [get]
{{ include "longshore.rules.credentials" . }}
{{ include "longshore.rules.events" . }}
{{- end }}

{{- define "longshore.rules.oci-repository" -}}
- apiGroups: [source.toolkit.fluxcd.io]
  resources: [ocirepositories]
  verbs: [get, patch]
- apiGroups: [source.toolkit.fluxcd.io]
  resources: [ocirepositories/status]
  verbs: [patch]
{{ include "longshore.rules.credentials" . }}
{{ include "longshore.rules.events" . }}
{{- end }}

{{- define "longshore.rules.quay-repository" -}}
- apiGroups: [appstudio.redhat.com]
  resources: [imagerepositories]
  verbs: [get, list, patch]
- apiGroups: [appstudio.redhat.com]
  resources: [imagerepositories/status]
  verbs: [patch]
- apiGroups: [appstudio.redhat.com]
  resources: [components]
  verbs: [get, patch]
- apiGroups: [appstudio.redhat.com]
  resources: [remotesecrets]
  verbs: [create]
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, create, patch, delete]
- apiGroups: ['']
  resources: [serviceaccounts]
  verbs: [get, patch]
{{ include "longshore.rules.events" . }}
{{- end }}

{{- define "longshore.rules.quay-component" -}}
- apiGroups: [appstudio.redhat.com]
  resources: [components]
  verbs: [get, patch]
- apiGroups: [appstudio.redhat.com]
  resources: [remotesecrets]
  verbs: [create]
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, create, patch, delete]
- apiGroups: ['']
  resources: [serviceaccounts]
  verbs: [get, patch]
{{ include "longshore.rules.events" . }}
{{- end }}

{{/* The relay looks, and never writes an object: all writes are the functions'. */}}
{{- define "longshore.rules.relay" -}}
{{- if .Values.kinds.image.enabled }}
- apiGroups: [image.toolkit.fluxcd.io]
  resources: [imagerepositories, imagepolicies]
  verbs: [list, watch]
{{- if not .Values.scope.namespaces }}
# Labels, by which access lists choose. Within a limited scope a change of them counts at the next run.
- apiGroups: ['']
  resources: [namespaces]
  verbs: [list, watch]
{{- end }}
{{- end }}
{{- if .Values.kinds.source.enabled }}
- apiGroups: [source.toolkit.fluxcd.io]
  resources: [ocirepositories]
  verbs: [list, watch]
{{- end }}
{{- if .Values.kinds.quay.enabled }}
- apiGroups: [appstudio.redhat.com]
  resources: [imagerepositories, components]
  verbs: [list, watch]
{{- if not .Values.scope.namespaces }}
# Only whether it changed: what failed for want of a good token runs then, not five minutes later.
- apiGroups: ['']
  resources: [secrets]
  resourceNames: [quaytoken]
  verbs: [list, watch]
{{- end }}
{{- end }}
{{- end }}

{{/* In the release's namespace: its Lease, and tokens of the functions' accounts, of no others. */}}
{{- define "longshore.rules.relay-own" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "longshore.fullname" . }}]
  verbs: [get, patch]
{{- if not .Values.cluster.eksName }}
- apiGroups: ['']
  resources: [serviceaccounts/token]
  resourceNames:
    {{- range splitList "," (include "longshore.functions" .) }}
    - {{ include "longshore.fullname" $ }}-{{ . }}
    {{- end }}
  verbs: [create]
{{- end }}
{{- end }}

{{/*
Rules and who has them, in the whole cluster or in each namespace of the scope: (dict "root" "name" "rules" "subject").
*/}}
{{- define "longshore.grant" -}}
{{- $root := .root }}
{{- $scope := $root.Values.scope.namespaces }}
{{- range $namespace := ($scope | default (list "")) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "Role" "ClusterRole" (ne $namespace "") }}
metadata:
  name: {{ $.name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "longshore.labels" $root | nindent 4 }}
rules:
  {{- $.rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "RoleBinding" "ClusterRoleBinding" (ne $namespace "") }}
metadata:
  name: {{ $.name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "longshore.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ ternary "Role" "ClusterRole" (ne $namespace "") }}
  name: {{ $.name }}
subjects:
  - {{- toYaml $.subject | nindent 4 }}
{{- end }}
{{- end }}
