import { chartCapabilities } from './capabilities.ts';
import { optionsSchema } from './options-schema.ts';

type Schema = Readonly<Record<string, unknown>>;

const boolean: Schema = { type: 'boolean' };
const text: Schema = { type: 'string' };
const anything: Schema = { type: 'object' };
const texts: Schema = { type: 'object', additionalProperties: text };
const list: Schema = { type: 'array', items: { type: 'object' } };
const named: Schema = { type: 'array', items: { type: 'object', required: ['name'] } };
const folder: Schema = { type: 'string', pattern: '^(/.*)?$' };
const count = (minimum: number, maximum = 2 ** 31 - 1): Schema => ({ type: 'integer', minimum, maximum });
const time: Schema = { type: 'string', pattern: '^([0-9]+(ms|[smh]))*$' };

function object(properties: Schema, more: Schema = {}): Schema {
  return { type: 'object', additionalProperties: false, properties, ...more };
}

const secret = object({ name: text, key: { type: 'string', minLength: 1 } });
const monitor = { enabled: boolean, labels: texts, interval: time, scrapeTimeout: time };
const relabelings = { relabelings: list, metricRelabelings: list };
const probe = (more: Record<string, Schema> = {}): Schema =>
  object({
    initialDelaySeconds: count(0),
    periodSeconds: count(1),
    timeoutSeconds: count(1),
    failureThreshold: count(1),
    ...more,
  });
const profile = object({
  type: { enum: ['Unconfined', 'RuntimeDefault', 'Localhost'] },
  localhostProfile: text,
});

/** JSON schema of the chart's values. What is handed on as Kubernetes defines it is not looked into. */
export function valuesSchema(): Schema {
  const capability: Schema = { type: 'string', pattern: '^[A-Z][A-Z_]*$', not: { pattern: '^CAP_' } };
  const known: Schema = { enum: chartCapabilities().capabilities };
  const properties = {
    global: anything,
    image: object(
      {
        repository: { type: 'string', minLength: 1 },
        tag: text,
        digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
        pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
      },
      { required: ['repository'] },
    ),
    imagePullSecrets: named,
    otlp: object({
      endpoint: { type: 'string', pattern: '^$|^https?://' },
      headersSecret: secret,
      tls: object({ secret: text, configMap: text, ca: text, client: boolean }),
    }),
    apiKeySecret: secret,
    options: optionsSchema(),
    env: named,
    envFrom: list,
    stateDirectory: folder,
    port: count(1, 65535),
    hostNetwork: boolean,
    hostPort: boolean,
    hostPID: boolean,
    cgroupDirectory: folder,
    privileged: boolean,
    capabilities: object({
      sysAdmin: boolean,
      sysResource: boolean,
      drop: { type: 'array', items: known },
      add: { type: 'array', items: capability },
    }),
    seccompProfile: profile,
    appArmorProfile: profile,
    seLinuxOptions: object({ user: text, role: text, type: text, level: text }),
    openshift: object({ securityContextConstraints: boolean }),
    extraVolumes: named,
    extraVolumeMounts: named,
    podAnnotations: texts,
    podLabels: texts,
    scrapeAnnotations: boolean,
    service: object({ enabled: boolean }),
    podMonitor: object({ ...monitor, ...relabelings }),
    serviceMonitor: object({ ...monitor, ...relabelings }),
    networkPolicy: object({ enabled: boolean, from: list, egress: list }),
    startupProbe: probe(),
    livenessProbe: probe(),
    readinessProbe: probe({ successThreshold: count(1) }),
    tolerations: list,
    nodeSelector: texts,
    affinity: object({ nodeAffinity: anything, podAffinity: anything, podAntiAffinity: anything }),
    priorityClassName: text,
    updateStrategy: object({ type: { enum: ['RollingUpdate', 'OnDelete'] }, rollingUpdate: anything }),
    terminationGracePeriodSeconds: count(0),
    resources: object({ requests: anything, limits: anything, claims: list }),
  };
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...object(properties) };
}
