{{- define "candor.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end }}

{{- define "candor.selector" -}}
app.kubernetes.io/name: candor
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "candor.labels" -}}
{{ include "candor.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "candor.host" -}}
{{ regexReplaceAll "^https?://([^/:]+).*$" .Values.baseUrl "${1}" }}
{{- end }}

{{- define "candor.pod" -}}
metadata:
  labels:
    {{- include "candor.selector" . | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  # Candor ends within 10 seconds of the signal, which comes after preStop.
  terminationGracePeriodSeconds: 20
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: candor
      image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      ports:
        - name: http
          containerPort: 3000
        {{- if .Values.metrics.enabled }}
        - name: metrics
          containerPort: 9100
        {{- end }}
      env:
        - name: CANDOR_BASE_URL
          value: {{ .Values.baseUrl | quote }}
        - name: CANDOR_TRUSTED_PROXIES
          value: {{ join "," .Values.trustedProxies | quote }}
        {{- if .Values.metrics.enabled }}
        - name: CANDOR_METRICS_LISTEN
          value: 0.0.0.0:9100
        {{- end }}
        {{- if .Values.database.existingSecret }}
        - name: CANDOR_DATABASE_URL_FILE
          value: /run/secrets/candor/database/url
        {{- end }}
        {{- if .Values.secretKey.existingSecret }}
        - name: CANDOR_SECRET_KEY_FILE
          value: /run/secrets/candor/key/secret.key
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      # Not /readyz: it fails on every pod while the database is down, and the page must stay up then.
      readinessProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 5
      livenessProbe:
        tcpSocket: { port: http }
      lifecycle:
        preStop:
          # Until no proxy sends requests here any more.
          sleep: { seconds: 5 }
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /data
        {{- if .Values.database.existingSecret }}
        - name: database
          mountPath: /run/secrets/candor/database
          readOnly: true
        {{- end }}
        {{- if .Values.secretKey.existingSecret }}
        - name: key
          mountPath: /run/secrets/candor/key
          readOnly: true
        {{- end }}
  {{- if or .Values.database.existingSecret .Values.secretKey.existingSecret }}
  volumes:
    {{- if .Values.database.existingSecret }}
    - name: data
      emptyDir: {}
    - name: database
      secret:
        secretName: {{ .Values.database.existingSecret }}
        defaultMode: 0440
        items: [{ key: url, path: url }]
    {{- end }}
    {{- if .Values.secretKey.existingSecret }}
    - name: key
      secret:
        secretName: {{ .Values.secretKey.existingSecret }}
        defaultMode: 0440
        items: [{ key: secret.key, path: secret.key }]
    {{- end }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.database.existingSecret }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "candor.selector" . | nindent 10 }}
  {{- end }}
{{- end }}
