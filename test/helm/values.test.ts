/** Values that make no sense are refused, by a message that names the key. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { chart, helm, majors, skipWithout } from './chart.ts';

const wrong: readonly (readonly [named: string, values: object])[] = [
  ['prot', { prot: 80 }],
  ['port', { port: 0 }],
  ['port', { port: 65536 }],
  ['port', { port: 'http' }],
  ['repository', { image: { repository: '' } }],
  ['pullPolicy', { image: { pullPolicy: 'Sometimes' } }],
  ['digest', { image: { digest: 'sha256:1' } }],
  ['registry', { image: { registry: 'x' } }],
  ['endpoint', { otlp: { endpoint: 'otel-collector:4317' } }],
  ['endpint', { otlp: { endpint: 'http://x:4317' } }],
  ['headers', { otlp: { headers: 'a=b' } }],
  ['key', { otlp: { headersSecret: { key: '' } } }],
  ['certificate', { otlp: { tls: { certificate: 'x' } } }],
  ['otlp.tls.client', { otlp: { tls: { client: true } } }],
  ['otlp.tls.configMap', { otlp: { tls: { secret: 'a', configMap: 'b' } } }],
  ['value', { apiKeySecret: { value: 'x' } }],
  ['min-contaner-age', { options: { 'min-contaner-age': '10s' } }],
  ['max-containers', { options: { 'max-containers': -1 } }],
  ['max-containers', { options: { 'max-containers': 'many' } }],
  ['max-destinations', { options: { 'max-destinations': 1_000_001 } }],
  ['track-scopes', { options: { 'track-scopes': 'maybe' } }],
  ['min-container-age', { options: { 'min-container-age': 10 } }],
  ['scrape-interval', { options: { 'scrape-interval': '15' } }],
  ['collector-endpoint', { options: { 'collector-endpoint': 'collector:4317' } }],
  ['log-level', { options: { 'log-level': 'loud' } }],
  ['disable-metric', { options: { 'disable-metric': [1] } }],
  ['listen', { options: { listen: '0.0.0.0:9090' } }],
  ['api-key', { options: { 'api-key': 'secret' } }],
  ['env', { env: { A: 'b' } }],
  ['env LISTEN', { env: [{ name: 'LISTEN', value: ':1' }] }],
  ['env OTEL_METRICS_EXPORTER', { env: [{ name: 'OTEL_METRICS_EXPORTER', value: 'otlp' }] }],
  ['podLabels', { podLabels: { 'app.kubernetes.io/name': 'x' } }],
  ['env', { env: [{ value: 'b' }] }],
  ['stateDirectory', { stateDirectory: 'var/lib' }],
  ['cgroupDirectory', { cgroupDirectory: 'sys' }],
  ['hostNetwork', { hostNetwork: 'yes' }],
  ['privileged', { privileged: 1 }],
  ['sysadmin', { capabilities: { sysadmin: false } }],
  ['drop', { capabilities: { drop: ['SYS_TIME'] } }],
  ['drop', { capabilities: { drop: ['NET_BIND_SERVICE'] } }],
  ['add', { capabilities: { add: ['CAP_SYSLOG'] } }],
  ['type', { seccompProfile: { type: 'Off' } }],
  ['localProfile', { appArmorProfile: { localProfile: 'x' } }],
  ['label', { seLinuxOptions: { label: 'x' } }],
  ['scc', { openshift: { scc: true } }],
  ['extraVolumes', { extraVolumes: [{ emptyDir: {} }] }],
  ['podAnnotations', { podAnnotations: { a: 1 } }],
  ['create', { service: { create: true } }],
  ['interval', { podMonitor: { interval: '30' } }],
  ['podMonitor.enabled', { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } }],
  ['service.enabled', { service: { enabled: false }, serviceMonitor: { enabled: true } }],
  ['ingress', { networkPolicy: { ingress: [] } }],
  ['periodSeconds', { livenessProbe: { periodSeconds: 0 } }],
  ['successThreshold', { livenessProbe: { successThreshold: 2 } }],
  ['httpGet', { readinessProbe: { httpGet: {} } }],
  ['tolerations', { tolerations: { operator: 'Exists' } }],
  ['nodeSelector', { nodeSelector: { a: true } }],
  ['podafinity', { affinity: { podafinity: {} } }],
  ['type', { updateStrategy: { type: 'Recreate' } }],
  ['limit', { resources: { limit: {} } }],
  ['terminationGracePeriodSeconds', { terminationGracePeriodSeconds: -1 }],
];

for (const major of majors)
  test(`helm ${major} refuses wrong values and names the key`, { skip: skipWithout(major) }, () => {
    for (const [named, values] of wrong) {
      const { status, stderr } = helm(['template', 'agent', '--kube-version=1.37.0'], values, major);
      assert.notEqual(status, 0, JSON.stringify(values));
      assert.match(stderr, new RegExp(`\\b${named}\\b`), JSON.stringify(values));
    }
  });

/** Paths of the keys of a mapping that the schema looks into. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

test('the schema knows every value that the chart has, and no mapping of its own takes an unknown key', () => {
  const read = (file: string): string => readFileSync(join(chart, file), 'utf8');
  const compare = (schema: Schema, values: object, path: string): void => {
    if (schema.properties === undefined) return;
    assert.equal(schema.additionalProperties, false, path);
    for (const [key, value] of Object.entries(values)) {
      const below: Schema | undefined = schema.properties[key];
      assert.ok(below, `${path}.${key}`);
      if (value !== null && typeof value === 'object' && !Array.isArray(value))
        compare(below, value as object, `${path}.${key}`);
    }
  };
  compare(JSON.parse(read('values.schema.json')) as Schema, parse(read('values.yaml')) as object, '');
});
