import type { MetricSpec } from './metric.ts';

/** Families of the reference that describe the agent itself. */
export const agentMetrics = {
  info: {
    name: 'node_agent_info',
    type: 'gauge',
    unit: '',
    labels: ['version'],
    scope: 'node',
    help: 'Always 1; carries the version of the running agent.',
  },
  scrapeErrors: {
    name: 'promhttp_metric_handler_errors_total',
    type: 'counter',
    unit: '{error}',
    labels: ['cause'],
    scope: 'agent',
    help: 'Failures met while serving the scrape endpoint, split by failing stage.',
  },
  up: {
    name: 'up',
    type: 'gauge',
    unit: '',
    labels: [],
    scope: 'bare',
    help: 'Constant 1, pushed over OTLP only.',
  },
} as const satisfies Record<string, MetricSpec>;

const self = (
  name: string,
  type: MetricSpec['type'],
  unit: string,
  labels: readonly string[],
  help: string,
): MetricSpec => ({ name: `node_agent_${name}`, type, unit, help, labels, scope: 'node', own: true });

/** How collecting and exporting goes. */
export const pipelineMetrics = {
  collectionSeconds: self(
    'collection_duration_seconds',
    'gauge',
    's',
    ['collector'],
    'Duration of the last collection of this collector.',
  ),
  collectionErrors: self(
    'collection_errors_total',
    'counter',
    '{error}',
    ['collector'],
    'Collections that failed or missed their deadline; their samples were left out.',
  ),
  series: self('series', 'gauge', '{series}', [], 'Series in the last snapshot.'),
  duplicates: self(
    'duplicate_samples_total',
    'counter',
    '{sample}',
    [],
    'Samples dropped because the same series was already in the snapshot.',
  ),
  refusedSeries: self(
    'refused_series_total',
    'counter',
    '{series}',
    [],
    'Samples dropped because the snapshot was full.',
  ),
  invalidSamples: self(
    'invalid_samples_total',
    'counter',
    '{sample}',
    [],
    'Samples dropped because the value was not a finite number or a label was not valid.',
  ),
  snapshotAge: self('snapshot_age_seconds', 'gauge', 's', [], 'Time between the last two snapshots.'),
  exports: self('exports_total', 'counter', '{export}', ['result'], 'OTLP exports by result (ok, failed).'),
  scrapes: self(
    'scrapes_total',
    'counter',
    '{request}',
    ['result'],
    'Scrapes of the metrics page by result (ok, failed, refused).',
  ),
  logLinesDropped: self(
    'log_lines_dropped_total',
    'counter',
    '{line}',
    [],
    'Lines of the own log that the rate limit dropped.',
  ),
} as const;

/** What the agent itself costs. */
export const processMetrics = {
  cpuSeconds: self(
    'cpu_seconds_total',
    'counter',
    's',
    ['mode'],
    'CPU time of the agent process (user, system).',
  ),
  rssBytes: self('memory_rss_bytes', 'gauge', 'By', [], 'Resident memory of the agent process.'),
} as const;

/** What is switched on, and why the rest is not. */
export const featureMetrics = {
  enabled: self(
    'feature_enabled',
    'gauge',
    '',
    ['feature', 'reason'],
    '1 while the feature works, 0 while it does not; reason says why.',
  ),
} as const;

/** The kernel side. */
export const kernelMetrics = {
  source: self(
    'kernel_source',
    'gauge',
    '',
    ['feature', 'source'],
    'Always 1; source is what the feature works by, of several that kernels may have.',
  ),
  mapEntries: self('bpf_map_entries', 'gauge', '{entry}', ['map'], 'Entries in use, as of the last reading.'),
  mapCapacity: self('bpf_map_capacity', 'gauge', '{entry}', ['map'], 'Entries the map can hold.'),
  mapBytes: self('bpf_map_memory_bytes', 'gauge', 'By', ['map'], 'Kernel memory charged for the map.'),
  refusedEntries: self(
    'bpf_refused_total',
    'counter',
    '{entry}',
    ['map', 'reason'],
    'Entries that the kernel side could not store; their counts went to the overflow bucket where there is one.',
  ),
  ringDropped: self(
    'bpf_ring_dropped_total',
    'counter',
    '{record}',
    ['ring'],
    'Records that did not fit into the ring buffer.',
  ),
  programRuns: self(
    'bpf_program_runs_total',
    'counter',
    '{run}',
    ['program'],
    'Runs of the program (only while kernel.bpf_stats_enabled is 1).',
  ),
  programSeconds: self(
    'bpf_program_seconds_total',
    'counter',
    's',
    ['program'],
    'Time spent in the program (only while kernel.bpf_stats_enabled is 1).',
  ),
  programMisses: self(
    'bpf_program_recursion_misses_total',
    'counter',
    '{run}',
    ['program'],
    'Runs the kernel skipped because the program was already running on that CPU.',
  ),
} as const;

/** Who is known, and what the rules left out. */
export const containerModelMetrics = {
  containers: self('containers', 'gauge', '{container}', [], 'Containers known to the agent.'),
  unnamed: self(
    'unnamed_containers',
    'gauge',
    '{container}',
    [],
    'Containers whose runtime has not told their name; after ten seconds they are shown under its short id.',
  ),
  folded: self(
    'folded_containers',
    'gauge',
    '{container}',
    [],
    'Running containers that found no place of their own (--max-containers) and are summed under /~other.',
  ),
  hiddenContainers: self(
    'hidden_containers',
    'gauge',
    '{container}',
    ['reason'],
    'Containers that are not shown yet: younger than --min-container-age (too_young), or still without their name (unnamed).',
  ),
  unattributedKills: self(
    'unattributed_oom_kills_total',
    'counter',
    '{kill}',
    [],
    'OOM kills of processes that belong to no container, or that found no place.',
  ),
  refusedCgroups: self(
    'refused_cgroups_total',
    'counter',
    '{cgroup}',
    [],
    'Cgroups that found no place in the model; their counts are hidden.',
  ),
  refusedVolumes: self(
    'refused_volumes_total',
    'counter',
    '{mount}',
    [],
    'Mounts of containers that were not shown because the container has too many; each time that one was met.',
  ),
  hidden: self(
    'hidden_series',
    'gauge',
    '{series}',
    ['reason'],
    'Container series left out of the last snapshot, by reason (no_container, too_young).',
  ),
} as const;
