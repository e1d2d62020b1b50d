/** What the chart writes into the agent's configuration file is what the agent reads there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadOptions, type Loaded } from '../../config/load.ts';
import { options } from '../../config/schema.ts';
import { chartOptions } from '../../tools/chart/options-schema.ts';
import { objectOf, podOf, presetFile, presets, skip, type Release } from './chart.ts';

const fileOf = (release: Release): string => objectOf('ConfigMap', release).data!['options.yaml']!;

function load(text: string): Loaded {
  return loadOptions(['--config=/options.yaml'], {}, () => new TextEncoder().encode(text));
}

const flagsOfChart = ['--listen=:80', '--cgroupfs-root=/host/sys/fs/cgroup'];

test('the agent reads the file of every preset', { skip }, () => {
  for (const preset of presets) assert.equal(load(fileOf({ preset })).kind, 'run', preset);
});

test('values arrive as they were written', { skip }, () => {
  const preset = parse(readFileSync(presetFile('options'), 'utf8')) as { options: Record<string, unknown> };
  const flags = Object.entries(preset.options).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `--${name}=${one as string}`),
  );
  assert.ok(flags.length > 10);
  assert.deepEqual(load(fileOf({ preset: 'options' })), loadOptions([...flagsOfChart, ...flags], {}));
});

test('every option can be set', { skip }, () => {
  const values = Object.fromEntries(
    // Helm sorts keys.
    chartOptions.toSorted().map((name) => [name, options[name as keyof typeof options].default]),
  );
  const flags = Object.entries(values).map(([name, value]) => `--${name}=${value}`);
  assert.deepEqual(
    load(fileOf({ values: { options: values } })),
    loadOptions([...flagsOfChart, ...flags], {}),
  );
  const all = Object.keys(options).filter((name) => !chartOptions.includes(name));
  const elsewhere = [
    'api-key',
    'ca-file',
    'cgroupfs-root',
    'config',
    'help',
    'listen',
    'state-dir',
    'version',
  ];
  assert.deepEqual(all.sort(), elsewhere, 'the rest has values of its own, or is of no use in a pod');
});

test('values of the chart that are options', { skip }, () => {
  const values = {
    port: 9100,
    cgroupDirectory: '',
    stateDirectory: '/var/lib/here',
    otlp: { endpoint: 'https://collector:4317', tls: { secret: 'tls', ca: 'ca.crt', client: true } },
  };
  assert.deepEqual(
    load(fileOf({ values })),
    loadOptions(
      ['--listen=:9100', '--state-dir=/var/lib/otel-node-agent', '--ca-file=/etc/otel-node-agent/tls/ca.crt'],
      {},
    ),
  );
  const { spec } = podOf({ values });
  const [agent] = spec.containers;
  const mounts = new Map(agent!.volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
  assert.equal(mounts.get('state'), '/var/lib/otel-node-agent');
  assert.equal(mounts.get('tls'), '/etc/otel-node-agent/tls');
  assert.equal(mounts.has('cgroup'), false);
  assert.deepEqual(agent!.args, ['--config=/etc/otel-node-agent/options.yaml']);
  assert.equal(mounts.get('options'), '/etc/otel-node-agent/options.yaml');
});

test('pods are replaced when an option changes, and only then', { skip }, () => {
  const checksum = (values: unknown): string => podOf({ values }).metadata.annotations['checksum/options']!;
  const one = checksum({});
  assert.match(one, /^[0-9a-f]{64}$/);
  assert.equal(checksum({ priorityClassName: 'x' }), one);
  assert.notEqual(checksum({ options: { region: 'x' } }), one);
});

/** Environment by name: the value, or the Secret it is from. */
function environment(values: unknown): Record<string, unknown> {
  const { env = [] } = podOf({ values }).spec.containers[0]!;
  return Object.fromEntries(env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom]));
}

test('secrets come from Secrets, and nothing is pushed unless somebody says where to', { skip }, () => {
  const from = (name: string, key: string): object => ({ secretKeyRef: { name, key } });
  const endpoint = 'http://collector:4317';
  const pull = { OTEL_METRICS_EXPORTER: 'prometheus' };
  assert.deepEqual(environment({}), pull);
  assert.deepEqual(environment({ options: { region: 'x' } }), pull);
  const OTEL_SERVICE_NAME = { name: 'OTEL_SERVICE_NAME', value: 'x' };
  assert.deepEqual(environment({ env: [OTEL_SERVICE_NAME] }), { ...pull, OTEL_SERVICE_NAME: 'x' });
  assert.deepEqual(
    environment({ otlp: { endpoint, headersSecret: { name: 'h' } }, apiKeySecret: { name: 'a' } }),
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: from('h', 'headers'),
      API_KEY: from('a', 'api-key'),
    },
  );
  for (const option of ['collector-endpoint', 'metrics-endpoint'])
    assert.deepEqual(environment({ options: { [option]: endpoint } }), {});
  assert.deepEqual(environment({ env: [{ name: 'COLLECTOR_ENDPOINT', value: endpoint }] }), {
    COLLECTOR_ENDPOINT: endpoint,
  });
  const settings = podOf({ values: { envFrom: [{ secretRef: { name: 'x' } }] } }).spec.containers[0]!;
  assert.equal(settings.env, undefined, 'what a Secret says is not known');
});
