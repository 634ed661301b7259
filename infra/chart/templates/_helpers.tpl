{{/* Names, labels and checks. */}}

{{- define "longshore.fullname" -}}
{{- if contains "longshore" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-longshore" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "longshore.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "longshore.fullname" .) -}}
{{- end }}

{{- define "longshore.selectorLabels" -}}
app.kubernetes.io/name: longshore
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "longshore.crdLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "longshore.labels" -}}
app.kubernetes.io/name: longshore
{{ include "longshore.crdLabels" . }}
app.kubernetes.io/part-of: {{ .Values.partOf | quote }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "longshore.artifactBaseUrl" -}}
{{- .Values.artifacts.baseUrl | default (printf "http://%s.%s.svc.cluster.local." .Values.artifacts.serviceName .Release.Namespace) -}}
{{- end }}

{{/* API groups that are served, joined by commas. */}}
{{- define "longshore.groups" -}}
{{- $groups := list -}}
{{- if .Values.kinds.image.enabled }}{{ $groups = append $groups "image.toolkit.fluxcd.io" }}{{ end -}}
{{- if .Values.kinds.source.enabled }}{{ $groups = append $groups "source.toolkit.fluxcd.io" }}{{ end -}}
{{- if .Values.kinds.quay.enabled }}{{ $groups = append $groups "appstudio.redhat.com" }}{{ end -}}
{{- join "," $groups -}}
{{- end }}

{{/* Functions that are called, joined by commas: the entries of serverless.yml. */}}
{{- define "longshore.functions" -}}
{{- $functions := list -}}
{{- if .Values.kinds.image.enabled }}{{ $functions = concat $functions (list "image-repository" "image-policy") }}{{ end -}}
{{- if .Values.kinds.source.enabled }}{{ $functions = append $functions "oci-repository" }}{{ end -}}
{{- if .Values.kinds.quay.enabled }}{{ $functions = concat $functions (list "quay-repository" "quay-component") }}{{ end -}}
{{- join "," $functions -}}
{{- end }}

{{/* Values that cannot work together: one clear line before anything is created. */}}
{{- define "longshore.check" -}}
{{- if not .Values.cluster.apiServer }}
{{- fail "cluster.apiServer is not set: the address of the API server as the functions reach it, such as https://HOST:6443 (the address inside of the cluster is of no use to them)" }}
{{- end }}
{{- if regexMatch `^https://(kubernetes(\.default)?|[^/:]+\.svc(\.[^/:]*)?)(:|/|$)` .Values.cluster.apiServer }}
{{- fail (printf "cluster.apiServer: %s is an address inside of the cluster, the functions are outside of it" .Values.cluster.apiServer) }}
{{- end }}
{{- if not .Values.functions.prefix }}
{{- fail "functions.prefix is not set: npm run deploy prints it (LambdaFunctionPrefix)" }}
{{- end }}
{{- if not .Values.storage.bucket }}
{{- fail "storage.bucket is not set: npm run deploy prints it (StorageBucket)" }}
{{- end }}
{{- if not (include "longshore.groups" .) }}
{{- fail "kinds: none is enabled, there would be nothing to do" }}
{{- end }}
{{- if and .Values.functions.objectLevelWorkloadIdentity (not (or .Values.kinds.image.enabled .Values.kinds.source.enabled)) }}
{{- fail "functions.objectLevelWorkloadIdentity: only the kinds image and source know it, and both are off" }}
{{- end }}
{{- $served := regexFind `^(http://)?[^/.]+\.[^/.]+\.svc(\.|:|/|$)` .Values.artifacts.baseUrl }}
{{- if $served }}
{{- $labels := splitList "." (trimPrefix "http://" $served) }}
{{- $other := or (ne (index $labels 0) .Values.artifacts.serviceName) (ne (index $labels 1) .Release.Namespace) }}
{{- /* The Service of another release serves the same bucket just as well. */}}
{{- if and $other (not (lookup "v1" "Service" (index $labels 1) (index $labels 0))) }}
{{- fail (printf "artifacts.baseUrl: %s is not the Service of this release, %s.%s: set artifacts.serviceName or the namespace to match, or deploy the functions with --param artifact-base-url=http://%s.%s.svc.cluster.local." .Values.artifacts.baseUrl .Values.artifacts.serviceName .Release.Namespace .Values.artifacts.serviceName .Release.Namespace) }}
{{- end }}
{{- end }}
{{- $service := lookup "v1" "Service" .Release.Namespace .Values.artifacts.serviceName }}
{{- if $service }}
{{- $owner := dig "annotations" "meta.helm.sh/release-name" "" $service.metadata }}
{{- if ne $owner .Release.Name }}
{{- fail (printf "artifacts.serviceName: Service %s/%s is taken by %s: set another name, or install into another namespace" .Release.Namespace .Values.artifacts.serviceName (ternary (printf "release %s" $owner) (dig "labels" "app.kubernetes.io/part-of" "somebody else" $service.metadata) (ne $owner ""))) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A CRD that another installation brought is not fought over: (list context name values-key). */}}
{{- define "longshore.crdCheck" -}}
{{- $root := index . 0 }}
{{- $crd := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" (index . 1) }}
{{- if $crd }}
{{- $owner := dig "annotations" "meta.helm.sh/release-name" "" $crd.metadata }}
{{- if ne $owner $root.Release.Name }}
{{- fail (printf "CRD %s is there already and belongs to %s: set kinds.%s.crds=false to use it as it is, or take it over (docs/install.md)" (index . 1) (ternary (printf "release %s" $owner) (dig "labels" "app.kubernetes.io/part-of" "another installation" $crd.metadata) (ne $owner "")) (index . 2)) }}
{{- end }}
{{- end }}
{{- end }}
