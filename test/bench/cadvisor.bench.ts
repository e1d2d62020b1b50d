/** The agent beside cAdvisor, with its own intervals and with those of the kubelet: the same idle containers, scraped at the same times. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundle, freePort, page, until } from '../peers/peer.ts';
import { makeContainers, prefix, removeContainers } from './idle.ts';
import { cpuSeconds, rssMegabytes, scrape } from './process.ts';
import { report, type Figure } from './table.ts';

/** For which CPU is measured, without containers and with them. */
const seconds = Number(process.env['BENCH_SECONDS'] ?? 180);
const scrapeSeconds = 15;
const count = 200;
/** Scrapes in a row, further apart than a snapshot is reused. In that time cAdvisor gets used to containers that do nothing. */
const looks = 60;
const apartMs = 1100;

const goModule = readFileSync(join(import.meta.dirname, 'cadvisor/go.mod'), 'utf8');
const version = /cadvisor\/lib (\S+)/.exec(goModule)?.[1];

/** What one of them costs, without containers and with them. */
interface Cost {
  /** Share of a core. */
  readonly cpu: number;
  readonly megabytes: number;
}

interface Subject {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly costs: Cost[];
  /** Of scrapes with containers, ms. */
  times: number[];
  bytes: number;
  end(): Promise<unknown>;
}

/** It is among the subjects before its page is there, for whoever ends them. */
async function start(name: string, command: (port: number) => readonly string[]): Promise<void> {
  const port = await freePort();
  const [program = '', ...args] = command(port);
  const env = { ...process.env, OTEL_METRICS_EXPORTER: 'prometheus', MALLOC_ARENA_MAX: '1' };
  const child = spawn(program, args, { stdio: 'ignore', env });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const end = (): Promise<unknown> => {
    child.kill('SIGTERM');
    return ended;
  };
  subjects.push({ name, pid: child.pid ?? 0, port, costs: [], times: [], bytes: 0, end });
  await until(name, () => page(`http://127.0.0.1:${port}/metrics`));
}

/** Ids of containers on the page of one of them: ours, and those of others on this machine. */
async function seen({ port }: Subject): Promise<{ ours: number; others: number }> {
  const text = (await page(`http://127.0.0.1:${port}/metrics`)) ?? '';
  const ids = new Set([...text.matchAll(/\b(?:container_)?id="(\/[^"]+)"/g)].map(([, id]) => id!));
  const ours = [...ids].filter((id) => id.includes(`/${prefix}`)).length;
  return { ours, others: ids.size - ours };
}

/** Every page has every container, or the comparison is none. */
async function haveAll(subject: Subject): Promise<void> {
  await until(`${subject.name}: ${count} containers`, async () =>
    (await seen(subject)).ours === count ? true : undefined,
  );
}

async function scrapeAll(subjects: readonly Subject[]): Promise<void> {
  for (const subject of subjects) {
    const startMs = performance.now();
    subject.bytes = await scrape(subject.port);
    subject.times.push(performance.now() - startMs);
  }
}

async function measure(subjects: readonly Subject[]): Promise<void> {
  for (const subject of subjects) subject.times = [];
  for (let i = 0; i < looks; i++) {
    await sleep(apartMs);
    await scrapeAll(subjects);
  }
  const before = await Promise.all(subjects.map(({ pid }) => cpuSeconds(pid)));
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1000) {
    await sleep(Math.min(scrapeSeconds, seconds) * 1000);
    await scrapeAll(subjects);
  }
  const tookSeconds = (performance.now() - startMs) / 1000;
  for (const [i, { pid, costs }] of subjects.entries()) {
    const cpu = ((await cpuSeconds(pid)) - before[i]!) / tookSeconds;
    costs.push({ cpu, megabytes: await rssMegabytes(pid) });
  }
}

/** The value that so many of all are not above. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
}

const cpuOf = ({ costs }: Subject): number => costs.at(-1)?.cpu ?? NaN;
const cpuOfContainers = (subject: Subject): number => cpuOf(subject) - (subject.costs[0]?.cpu ?? NaN);

/** Budgets are the agent's alone. */
function figuresOf(subject: Subject, ours: boolean): Figure[] {
  const figure = (what: string, value: number, unit: string, budget?: number): Figure => ({
    name: `${subject.name}: ${what}`,
    value,
    unit,
    ...(ours && budget !== undefined && { budget }),
  });
  const [empty, full] = subject.costs.map(({ megabytes }) => megabytes);
  return [
    figure('CPU', cpuOf(subject) * 100, '% of a core', 0.8),
    figure('of it for containers', cpuOfContainers(subject) * 100, '% of a core'),
    figure('RSS', full!, 'MB'),
    figure('RSS of each container', ((full! - empty!) * 1000) / count, 'kB', 25),
    figure('scrape p50', quantile(subject.times, 0.5), 'ms'),
    figure('scrape p99', quantile(subject.times, 0.99), 'ms', 45),
    figure('page', subject.bytes / 1e6, 'MB'),
  ];
}

const built = spawnSync(join(import.meta.dirname, '../../tools/peers/cadvisor.sh'), { encoding: 'utf8' });
if (built.status !== 0) {
  console.log(`\nbeside cAdvisor: left out, it cannot be built\n${built.stderr}`);
  process.exit();
}
const cadvisor = (port: number): string[] => [
  join(built.stdout.trim(), 'cadvisor'),
  ...['-listen', `127.0.0.1:${port}`],
];
const kubelet = ['-housekeeping_interval=10s', '-max_housekeeping_interval=15s'];
const subjects: Subject[] = [];
async function end(): Promise<void> {
  await Promise.all(subjects.splice(0).map((subject) => subject.end()));
  await removeContainers();
}
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void end().finally(() => process.exit(1)));
try {
  const agent = (port: number): string[] => [
    ...[process.execPath, '--max-semi-space-size=1', bundle, '--listen', `127.0.0.1:${port}`],
    ...['--min-container-age', '0s', '--skip-systemd-system-services=false'],
  ];
  await start('agent', agent);
  await start('cAdvisor', cadvisor);
  await start('cAdvisor of the kubelet', (port) => [...cadvisor(port), ...kubelet]);
  await measure(subjects);
  makeContainers(count, 'asleep');
  for (const subject of subjects) await haveAll(subject);
  await measure(subjects);
  const [ours, ...theirs] = subjects as [Subject, ...Subject[]];
  report(
    `${count} idle containers, scraped every ${scrapeSeconds} s for ${seconds} s; cAdvisor ${version} with ` +
      'cpu, percpu, memory, diskIO, disk, network, oom_event, pressure',
    [
      { name: 'containers of others, which cost too', value: (await seen(ours)).others, unit: '' },
      ...subjects.flatMap((subject) => figuresOf(subject, subject === ours)),
      ...theirs.flatMap((their) => [
        {
          name: `CPU of the agent by ${their.name}'s`,
          value: cpuOf(ours) / cpuOf(their),
          unit: '',
          budget: 0.2,
        },
        { name: '  for containers alone', value: cpuOfContainers(ours) / cpuOfContainers(their), unit: '' },
      ]),
    ],
  );
} finally {
  await end();
}
