import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOptions } from './load.ts';
import type { Options } from './options.ts';

type Env = Record<string, string>;

/** Loads with a file of this text, if any. */
function load(argv: string[], env: Env = {}, file?: string) {
  const args = file === undefined ? argv : ['--config', 'agent.yaml', ...argv];
  return loadOptions(args, env, () => Buffer.from(file ?? assert.fail('no file was asked for')));
}

function run(argv: string[], env: Env = {}, file?: string): Options {
  const loaded = load(argv, env, file);
  if (loaded.kind !== 'run') assert.fail(JSON.stringify(loaded));
  return loaded.options;
}

function messagesOf(argv: string[], env: Env = {}, file?: string): readonly string[] {
  const loaded = load(argv, env, file);
  if (loaded.kind !== 'error') assert.fail(`expected an error, got ${loaded.kind}`);
  assert.equal(loaded.exitCode, 2);
  return loaded.messages;
}

test('without any source there are the defaults', () => {
  assert.deepEqual(load([]), {
    kind: 'run',
    options: {
      listen: { host: '0.0.0.0', port: 80 },
      prometheus: { enabled: true },
      otlp: { enabled: true, headers: {}, insecureSkipVerify: false },
      scrapeIntervalMs: 15_000,
      disabledMetrics: [],
      cgroupfsRoot: '/sys/fs/cgroup',
      minContainerAgeMs: 30_000,
      maxContainers: 5000,
      skipSystemdSystemServices: true,
      trackScopes: false,
      allVolumes: false,
      trackPublicNetworks: ['0.0.0.0/0'],
      ephemeralPortRanges: [[32768, 60999]],
      maxDestinations: 2000,
      maxNodeDestinations: 20_000,
      tcpSource: 'auto',
      enableConntrackEvents: false,
      disablePinger: false,
      cloud: { provider: '', region: '', availabilityZone: '', instanceType: '', instanceLifeCycle: '' },
      disableTerminationNotices: false,
      logs: {
        ...{ enabled: true, json: true, patternLimit: 256, extractionLimit: 0, cpuBudget: 0 },
        ...{ maxSampleBytes: 4096, masks: true },
      },
      log: { level: 'info', perSecond: 10, burst: 100 },
    },
    notYetEffective: [],
  });
});

/** Every flag of both revisions of the reference, with a value that is not its default. */
const referenceFlags: readonly (readonly [name: string, value: string])[] = [
  ['listen', '127.0.0.1:9090'],
  ['cgroupfs-root', '/host/cgroup'],
  ['disable-log-parsing', 'true'],
  ['disable-json-log-parsing', 'true'],
  ['disable-pinger', 'true'],
  ['disable-l7-tracing', 'true'],
  ['disable-gpu-monitoring', 'true'],
  ['enable-java-tls', 'true'],
  ['enable-java-async-profiler', 'true'],
  ['java-async-profiler-delay', '1m'],
  ['go-heap-profiler', 'force'],
  ['instrumentation-delay', '1m'],
  ['container-allowlist', '^/k8s/'],
  ['container-denylist', 'test'],
  ['min-container-age', '0s'],
  ['max-fqdns-per-container', '10'],
  ['skip-systemd-system-services', 'false'],
  ['exclude-http-requests-by-path', '/health*'],
  ['track-public-network', '192.0.2.0/24'],
  ['ephemeral-port-range', '1000-2000 3000-4000'],
  ['provider', 'aws'],
  ['region', 'eu-1'],
  ['availability-zone', 'eu-1a'],
  ['instance-type', 'm5'],
  ['instance-life-cycle', 'spot'],
  ['log-per-second', '2.5'],
  ['log-burst', '7'],
  ['log-patterns-per-container', '16'],
  ['log-pattern-extraction-limit', '50'],
  ['log-cpu-budget', '5%'],
  ['max-label-length', '100'],
  ['collector-endpoint', 'http://collector:4317'],
  ['api-key', 'k'],
  ['metrics-endpoint', 'http://metrics:4317/v1/metrics'],
  ['traces-endpoint', 'http://traces:4318/v1/traces'],
  ['logs-endpoint', 'http://logs:4318/v1/logs'],
  ['profiles-endpoint', 'http://profiles:4040/v1/profiles'],
  ['traces-sampling', '0.5'],
  ['profiles-prune-fraction', '0'],
  ['insecure-skip-verify', 'true'],
  ['ca-file', '/etc/ca.pem'],
  ['scrape-interval', '5s'],
  ['wal-dir', '/var/spool/agent'],
  ['max-spool-size', '1GB'],
];
const seedFlags = [['no-parse-logs', 'true'] as const, ['no-ping-upstreams', 'true'] as const];

const everything: Options = {
  listen: { host: '127.0.0.1', port: 9090 },
  prometheus: { enabled: true },
  otlp: {
    enabled: true,
    endpoint: 'http://metrics:4317',
    headers: { 'x-api-key': 'k' },
    caFile: '/etc/ca.pem',
    insecureSkipVerify: true,
  },
  otlpLogs: {
    protocol: 'http/protobuf',
    endpoint: 'http://logs:4318/v1/logs',
    headers: { 'x-api-key': 'k' },
    caFile: '/etc/ca.pem',
    insecureSkipVerify: true,
  },
  scrapeIntervalMs: 5000,
  disabledMetrics: [],
  cgroupfsRoot: '/host/cgroup',
  containerAllowlist: /^\/k8s\//,
  containerDenylist: /test/,
  minContainerAgeMs: 0,
  maxContainers: 5000,
  skipSystemdSystemServices: false,
  trackScopes: false,
  allVolumes: false,
  trackPublicNetworks: ['192.0.2.0/24'],
  ephemeralPortRanges: [
    [1000, 2000],
    [3000, 4000],
  ],
  maxDestinations: 2000,
  maxNodeDestinations: 20_000,
  tcpSource: 'auto',
  enableConntrackEvents: false,
  disablePinger: true,
  cloud: {
    provider: 'aws',
    region: 'eu-1',
    availabilityZone: 'eu-1a',
    instanceType: 'm5',
    instanceLifeCycle: 'spot',
  },
  disableTerminationNotices: false,
  logs: {
    ...{
      enabled: false,
      json: false,
      patternLimit: 16,
      extractionLimit: 50,
      cpuBudget: 0.05,
      maxSampleBytes: 100,
      masks: true,
    },
  },
  stateDirectory: '/var/spool/agent',
  log: { level: 'info', perSecond: 2.5, burst: 7 },
};

test('every flag of the reference is accepted', () => {
  assert.deepEqual(run(referenceFlags.map(([name, value]) => `--${name}=${value}`)), everything);
});

test('every variable of the reference is accepted', () => {
  const env = referenceFlags.map(([name, value]) => [name.toUpperCase().replaceAll('-', '_'), value]);
  assert.deepEqual(run([], Object.fromEntries(env) as Env), everything);
});

test('every option of the reference is accepted in YAML and in JSON', () => {
  assert.deepEqual(
    run([], {}, referenceFlags.map(([name, value]) => `${name}: ${value}`).join('\n')),
    everything,
  );
  assert.deepEqual(run([], {}, JSON.stringify(Object.fromEntries(referenceFlags))), everything);
});

test('options without a feature are named once they are set', () => {
  const loaded = load(
    [...seedFlags, ['wal-dir', '/x'], ['region', 'eu']].map(([name, value]) => `--${name}=${value}`),
  );
  assert.deepEqual(loaded.kind === 'run' && loaded.notYetEffective, []);
});

test('a flag of an earlier revision has its effect', () => {
  assert.equal(run(['--no-ping-upstreams']).disablePinger, true);
});

test('flags have several forms', () => {
  const regionOf = (...argv: string[]) => run(argv).cloud.region;
  assert.equal(regionOf('--region', 'eu'), 'eu');
  assert.equal(regionOf('--region=eu=1'), 'eu=1');
  assert.equal(regionOf('-region', 'eu'), 'eu');
  assert.equal(regionOf('-region=-eu'), '-eu');
  assert.equal(regionOf('--region='), '');
  assert.equal(regionOf('--region', '007'), '007');
  assert.equal(regionOf('--region', 'a', '--region', 'b'), 'b');
  const skips = (...argv: string[]) => run(argv).skipSystemdSystemServices;
  assert.equal(skips('--skip-systemd-system-services=false'), false);
  assert.equal(skips('--no-skip-systemd-system-services'), false);
  assert.equal(skips('--no-skip-systemd-system-services', '--skip-systemd-system-services'), true);
});

test('lists replace the default', () => {
  const networks = ['192.0.2.0/24', '2001:db8::/32'];
  assert.deepEqual(
    run(networks.flatMap((each) => ['--track-public-network', each])).trackPublicNetworks,
    networks,
  );
  assert.deepEqual(run([], { TRACK_PUBLIC_NETWORK: networks.join('\n') }).trackPublicNetworks, networks);
  const yaml = `track-public-network:\n${networks.map((each) => `  - ${each}`).join('\n')}`;
  assert.deepEqual(run([], {}, yaml).trackPublicNetworks, networks);
  assert.deepEqual(run(['--ephemeral-port-range', '']).ephemeralPortRanges, []);
});

test('flags win over the environment, the environment over the file, the file over defaults', () => {
  const file = 'region: file\nprovider: file\navailability-zone: file';
  const env = { REGION: 'env', PROVIDER: 'env', INSTANCE_TYPE: '' };
  assert.deepEqual(run(['--region', 'flag'], env, file).cloud, {
    region: 'flag',
    provider: 'env',
    availabilityZone: 'file',
    instanceType: '',
    instanceLifeCycle: '',
  });
});

test('a wrong value that is overridden is no mistake', () => {
  assert.equal(run(['--listen', ':1'], { LISTEN: 'yes' }).listen.port, 1);
});

test('the file may be named by a variable, the flag wins', () => {
  const asked: string[] = [];
  const read = (path: string) => {
    asked.push(path);
    return Buffer.from('{}');
  };
  loadOptions([], { OTEL_NODE_AGENT_CONFIG: 'a' }, read);
  loadOptions(['--config', 'b'], { OTEL_NODE_AGENT_CONFIG: 'a' }, read);
  assert.deepEqual(asked, ['a', 'b']);
});

test('an endpoint moves the default listen address only', () => {
  const beside = { host: '127.0.0.1', port: 10300 };
  const explicit = { host: '0.0.0.0', port: 80 };
  const push = ['--metrics-endpoint', 'http://c:4317'];
  assert.deepEqual(run(push).listen, beside);
  assert.deepEqual(run([], { COLLECTOR_ENDPOINT: 'http://c:4317' }).listen, beside);
  assert.deepEqual(run([...push, '--listen', '0.0.0.0:80']).listen, explicit);
  assert.deepEqual(run(push, { LISTEN: '0.0.0.0:80' }).listen, explicit);
  assert.deepEqual(run(push, {}, 'listen: 0.0.0.0:80').listen, explicit);
  assert.deepEqual(run(['--traces-endpoint', 'http://c:4317']).listen, explicit);
});

test('variables of the SDK choose the ways out and the interval', () => {
  const ways = (value: string) => {
    const { otlp, prometheus } = run([], { OTEL_METRICS_EXPORTER: value });
    return [otlp.enabled, prometheus.enabled];
  };
  assert.deepEqual(ways(''), [true, true]);
  assert.deepEqual(ways('otlp'), [true, false]);
  assert.deepEqual(ways('prometheus'), [false, true]);
  assert.deepEqual(ways('prometheus, otlp'), [true, true]);
  assert.deepEqual(ways('none'), [false, false]);
  const env = { OTEL_METRIC_EXPORT_INTERVAL: '2000' };
  assert.equal(run(['--scrape-interval', '5s'], env).scrapeIntervalMs, 2000);
  for (const [name, value] of [
    ['OTEL_METRICS_EXPORTER', 'console'],
    ['OTEL_METRICS_EXPORTER', 'none,otlp'],
    ['OTEL_METRIC_EXPORT_INTERVAL', '0'],
    ['OTEL_METRIC_EXPORT_INTERVAL', '15s'],
  ] as const) {
    const message = messagesOf([], { [name]: value }).join();
    assert.ok(message.includes(name) && message.includes(value), message);
  }
});

test('log messages leave if somebody says so for them', () => {
  const to = (argv: string[], env: Record<string, string> = {}) => {
    const { otlpLogs } = run(argv, env);
    return otlpLogs && [otlpLogs.protocol, otlpLogs.endpoint];
  };
  const http = 'http/protobuf';
  assert.equal(to([]), undefined);
  assert.equal(to(['--metrics-endpoint', 'http://c:4317']), undefined);
  assert.equal(to([], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' }), undefined);
  assert.deepEqual(to(['--logs-endpoint', 'http://c:4318']), [http, 'http://c:4318/v1/logs']);
  assert.deepEqual(to(['--logs-endpoint', 'http://c/x?y=1']), [http, 'http://c:80/x?y=1']);
  assert.deepEqual(to(['--collector-endpoint', 'http://c:4317']), ['grpc', 'http://c:4317/v1/logs']);
  const both = ['--collector-endpoint', 'http://c:4317', '--logs-endpoint', 'https://l'];
  assert.deepEqual(to(both), [http, 'https://l:443/v1/logs']);
  assert.deepEqual(to([], { OTEL_LOGS_EXPORTER: 'otlp' }), ['grpc', undefined]);
  const own = { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://c:4318/v1/logs' };
  assert.deepEqual(to([], own), [http, undefined], 'the SDK reads it');
  assert.deepEqual(to([], { ...own, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), ['grpc', undefined]);
  const protocols = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: http };
  assert.deepEqual(to([], { ...own, ...protocols }), [http, undefined]);
  assert.equal(to(both, { OTEL_LOGS_EXPORTER: 'none' }), undefined);
  assert.equal(to(both, { OTEL_SDK_DISABLED: 'true' }), undefined);
  for (const [name, value] of [
    ['OTEL_LOGS_EXPORTER', 'console'],
    ['OTEL_EXPORTER_OTLP_LOGS_PROTOCOL', 'http/json'],
  ] as const) {
    const message = messagesOf([], { [name]: value }).join();
    assert.ok(message.includes(name) && message.includes(value), message);
  }
});

test('unknown options name the nearest one', () => {
  assert.deepEqual(messagesOf(['--lisen', ':80']), ['unknown option "--lisen": did you mean --listen?']);
  assert.deepEqual(messagesOf(['--no-regoin']), ['unknown option "--no-regoin": --help lists all']);
  assert.deepEqual(messagesOf(['--no-region']), ['unknown option "--no-region": did you mean --region?']);
  assert.equal(messagesOf(['true']).length, 1);
  assert.equal(messagesOf(['--']).length, 1);
  assert.equal(messagesOf([`--${'x'.repeat(100_000)}`])[0]!.length < 200, true);
});

test('all mistakes of one start are reported together, each with source, value and expectation', () => {
  const argv = [
    '--min-container-age',
    '30',
    '--region',
    '--log-burst=-1',
    '--config=agent.yaml',
    '--lissten=x',
  ];
  const env = { LOG_PER_SECOND: 'fast', DISABLE_PINGER: 'yes' };
  assert.deepEqual(messagesOf(argv, env, 'ephemeral-port-range: 2-1\nregio: x'), [
    'file "agent.yaml", line 2: unknown key "regio": did you mean region?',
    'flag --region: a value is missing, expected a text',
    'unknown option "--lissten": did you mean --listen?',
    'file "agent.yaml", line 1, key ephemeral-port-range: "2-1" is not a list of port ranges such as 32768-60999 (see "2-1")',
    'environment variable LOG_PER_SECOND: "fast" is not a number of at least 0',
    'environment variable DISABLE_PINGER: "yes" is not true or false',
    'flag --min-container-age: "30" is not a duration such as 30s, 1m30s, 100ms or 0',
    'flag --log-burst: "-1" is not a whole number of at least 0',
  ]);
});

test('a flood of mistakes is cut short', () => {
  const messages = messagesOf(Array.from({ length: 1000 }, (_, i) => `--nonsense-${i}`));
  assert.equal(messages.length, 51);
  assert.equal(messages.at(-1), 'and 950 more mistakes');
});

test('secrets stay out of messages', () => {
  const argv = ['--api-key', 'geh\neim', '--metrics-endpoint', 'http://me:geheim@x'];
  const messages = messagesOf(argv).join('\n');
  assert.ok(messages.includes('--api-key') && messages.includes('--metrics-endpoint'), messages);
  assert.doesNotMatch(messages, /eim/);
});

test('help and version come before any mistake', () => {
  for (const form of ['-h', '--help', '-help', '--help=true']) {
    assert.equal(load([form, '--nonsense'], { LISTEN: 'x' }).kind, 'help', form);
  }
  assert.equal(load(['--version', '--nonsense']).kind, 'version');
  assert.equal(load(['--help=false']).kind, 'run');
});
