/** The parts of the test suite: what each runs, where it belongs, and what its result depends on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `unit` needs no kernel of its own; `test` is `npm test`; `ci` is `.ci/run`; `full` is everything with full loads. */
export type Tier = 'unit' | 'test' | 'ci' | 'full';

export interface Part {
  readonly name: string;
  readonly tiers: readonly Tier[];
  /** Programs and images to have first, made by their scripts, which keep them in the cache. */
  readonly prepare?: readonly (readonly string[])[];
  /** Globs of what the result depends on, besides `src`, `config`, `tools` and the lock file. */
  readonly inputs: readonly string[];
  /** Whether the result depends on the kernel that runs the suite. */
  readonly ownKernel: boolean;
  /** Runs anew each time. */
  readonly volatile?: boolean;
  command(run: Run): readonly string[];
  /** Added to the environment. */
  env?(tier: Tier): Record<string, string>;
}

export interface Run {
  readonly tier: Tier;
  /** Folder for the results and the evidence of this part. */
  readonly folder: string;
}

const node = process.execPath;

/** A run of node:test whose results go to `folder`. */
export function nodeTest(folder: string, options: readonly string[], files: readonly string[]): string[] {
  return [
    node,
    '--import=./tools/stripped.mjs',
    '--test',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./tools/suite/reporter.ts',
    `--test-reporter-destination=${folder}/tests.ndjson`,
    ...options,
    ...files,
  ];
}

const oneByOne = ['--test-concurrency=1'];
const kernelFiles = [
  'test/addon/*.test.ts',
  'test/node/*.test.ts',
  'test/containers/*.test.ts',
  'test/cloud/*.test.ts',
  'test/logs/*.test.ts',
  'test/kernel/*.test.ts',
  'test/volumes/{volumes,writers}.test.ts',
];
/** What is tried with each source of connections, and needs more than every kernel allows. */
const bySource =
  'test/kernel/{active,bounds,counts,failures,impaired,listens,older,retransmits,sources,traffic,walk}.test.ts';
/**
 * What a virtual machine runs short of full runs: the kernel of this machine has had the rest. The oldest kernel has what needs
 * systemd, cgroups v2 alone and walks over maps, the newest what needs its programs or a partitioned disk. Every source of
 * connections is tried on one of the kernels that it is made for.
 */
const shares: Readonly<Record<string, readonly string[]>> = {
  '5.10': [
    '--test-skip-pattern=^by sockops$',
    '--test-skip-pattern=^(?!detach |readIterator ).* leaves nothing behind$',
    '--test-skip-pattern=^(without a kill|without programs|a start in a new cgroup|who runs on|the same on the page) ',
    bySource,
    'test/kernel/{journal,killed,verifier}.test.ts',
    'test/addon/{iterator,leaks,object,ping,ring}.test.ts',
    'test/containers/{oom,resources,restarts,units}.test.ts',
    'test/features/unprivileged.test.ts',
    'test/logs/journald.test.ts',
  ],
  '6.12': ['--test-name-pattern=^by tp_btf$', bySource],
  '7': [
    '--test-skip-pattern=^by (raw_tp|tp_btf)$',
    bySource,
    'test/kernel/{neighbour,verifier}.test.ts',
    'test/volumes/{volumes,writers}.test.ts',
    'test/faults/machine-clock.test.ts',
    'test/peers/truth.test.ts',
  ],
};
const everything = [
  ...kernelFiles,
  'test/features/*.test.ts',
  'test/faults/*.test.ts',
  'test/volumes/faults.test.ts',
  'test/peers/truth.test.ts',
];

function guestTests(folder: string, kernel: string, tier: Tier): string[] {
  const chosen = tier === 'full' ? everything : (shares[kernel] ?? []);
  const isOption = (argument: string): boolean => argument.startsWith('--');
  return nodeTest(
    folder,
    [...oneByOne, ...chosen.filter(isOption)],
    chosen.filter((argument) => !isOption(argument)),
  );
}

/** The same tests in a virtual machine; with its own kernel, and the load that an emulated machine bears. */
function machine(kernel: string, tiers: readonly Tier[]): Part {
  return {
    name: `vm-${kernel}`,
    tiers,
    prepare: [['test/nodes/kernel.sh', kernel], ['test/nodes/disks.sh'], ['tools/peers/collector.sh']],
    inputs: ['test/**', 'addon/**', 'ebpf/**'],
    ownKernel: false,
    command: ({ folder, tier }) => ['test/nodes/vm.sh', kernel, ...guestTests(folder, kernel, tier)],
    env: (tier) => ({
      TRUTH_CONNECTS: tier === 'full' ? '10000' : '3000',
      TRUTH_KILLS: tier === 'full' ? '4' : '2',
      TRUTH_CONTAINERS: tier === 'full' ? '200' : '20',
      LEAK_CALLS: '60',
    }),
  };
}

/** Tests under the kernel of this machine. */
function tests(
  name: string,
  tiers: readonly Tier[],
  files: readonly string[],
  more: Partial<Part> = {},
): Part {
  return {
    name,
    tiers,
    inputs: ['test/**', 'addon/**', 'ebpf/**'],
    ownKernel: true,
    command: ({ folder }) => nodeTest(folder, oneByOne, files),
    ...more,
  };
}

const always: readonly Tier[] = ['test', 'ci', 'full'];
const big: readonly Tier[] = ['ci', 'full'];
const loads = (tier: Tier): Record<string, string> =>
  tier === 'full'
    ? { TRUTH_CONNECTS: '1000000', TRUTH_CONTAINERS: '1000', LEAK_CALLS: '10000', PEER_SECONDS: '30' }
    : {};

const kernels = readFileSync(join(import.meta.dirname, '../../test/nodes/kernels'), 'utf8')
  .split('\n')
  .filter((line) => /^[^#\s]/.test(line))
  .map((line) => line.split(/\s/)[0]!);

export const parts: readonly Part[] = [
  {
    name: 'lint',
    tiers: big,
    inputs: ['**/*.ts', '**/*.md', '**/*.json', '*.js', 'helm/**'],
    ownKernel: false,
    command: () => ['npm', 'run', '--silent', 'lint'],
  },
  {
    name: 'generated',
    tiers: big,
    inputs: ['docs/**', 'ebpf/**', 'helm/**'],
    ownKernel: false,
    command: () => ['npm', 'run', '--silent', 'generate:check'],
  },
  {
    name: 'unit',
    tiers: ['unit', ...always],
    inputs: ['test/**'],
    ownKernel: false,
    command: ({ folder }) =>
      nodeTest(
        folder,
        [],
        [
          'src/**/*.test.ts',
          'config/**/*.test.ts',
          'tools/**/*.test.ts',
          'test/agent/*.test.ts',
          'test/conformance/*.test.ts',
          'test/log-vectors/*.test.ts',
        ],
      ),
  },
  tests('kernel', always, kernelFiles, { env: loads }),
  tests('nodes', ['full'], ['test/nodes/*.test.ts']),
  tests('features', always, ['test/features/*.test.ts']),
  tests('faults', always, ['test/faults/*.test.ts', 'test/volumes/faults.test.ts']),
  tests('runtimes', big, ['test/runtimes/*.test.ts'], { env: loads, prepare: [['test/nodes/root.sh']] }),
  {
    ...tests('helm', big, ['test/helm/*.test.ts']),
    inputs: ['helm/**', 'test/**', 'addon/**', 'ebpf/**'],
    prepare: [
      ['tools/peers/helm.sh'],
      ['tools/peers/helm3.sh'],
      ['tools/peers/operators.sh'],
      ['tools/peers/kubernetes-schemas.sh'],
    ],
  },
  tests('cluster', ['full'], ['test/cluster/*.test.ts'], {
    prepare: [['test/nodes/root.sh'], ['tools/peers/kubernetes.sh']],
  }),
  tests('sanitizers', big, [], {
    command: ({ folder }) => [
      node,
      'tools/sanitize.ts',
      ...nodeTest(folder, oneByOne, ['test/addon/*.test.ts']).slice(1),
    ],
    env: loads,
  }),
  tests('peers', always, ['test/peers/*.test.ts'], {
    env: loads,
    prepare: [['tools/peers/collector.sh'], ['tools/peers/prometheus.sh'], ['tools/peers/node-exporter.sh']],
  }),
  ...kernels.map((kernel) => machine(kernel, kernel in shares ? big : ['full'])),
  {
    name: 'conformance',
    tiers: big,
    inputs: ['test/**'],
    ownKernel: true,
    volatile: true,
    command: ({ tier }) => [node, 'tools/conformance.ts', '--check', '--tier', tier],
  },
];
