/**
 * What counting costs those who connect: rounds of the same load without programs and with those of each source, one after the
 * other, and the time in the programs themselves. Needs root. Both ends of a connection are on this machine, so that everything
 * is paid for twice.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import { tcpSources, type TcpSourceName } from '../../src/kernel/tcp-sources.ts';
import { compileLoad, makeCgroup, skip, startCounting, type Load } from '../kernel/machine.ts';
import { report, type Figure } from './table.ts';

const [port, portOfExchange] = ['21798', '21799'];
const [connects, rounds, open, heldByOne] = [20_000, 9, 20_000, 1000];
const statistics = '/proc/sys/kernel/bpf_stats_enabled';

if (skip === false) await bench();
else console.log(`connects: not run, ${skip}`);

async function bench(): Promise<void> {
  const load = compileLoad();
  const cgroup = makeCgroup(`/system.slice/bench-${process.pid}.service`);
  const before = readFileSync(statistics, 'utf8');
  try {
    await load.start('serve', port);
    const sources: (TcpSourceName | undefined)[] = [undefined, ...(await working())];
    const inCgroup = (...args: string[]) => load.run('-c', cgroup.directory, ...args, String(connects));
    const connect = (): Promise<unknown> => inCgroup('connect', '127.0.0.1', port);
    const exchange = (): Promise<unknown> => inCgroup('-k', 'connect', '127.0.0.1', portOfExchange);
    await load.start('-k', 'serve', portOfExchange);
    for (const [title, run, budget] of [
      ["the client's loop of connects", connect, 12],
      ['the same with 1 KiB in both directions', exchange, 5],
    ] as const)
      reportSlowdown(title, await interleaved(sources, async () => (await timed(run)) / connects), budget);
    await reportMemory(load, cgroup.directory);
    writeFileSync(statistics, '1');
    for (const source of sources)
      if (source !== undefined) await inPrograms(source, connect, load, cgroup.directory);
  } finally {
    writeFileSync(statistics, before);
    load.close();
    cgroup.remove();
  }
}

function reportSlowdown(
  title: string,
  micros: ReadonlyMap<TcpSourceName | undefined, number>,
  budget: number,
): void {
  const plain = micros.get(undefined)!;
  const figures = [...micros].flatMap(([source, value]): Figure[] => {
    if (source === undefined) return [{ name: 'without programs', value, unit: 'us' }];
    const slower = { value: (value / plain - 1) * 100, unit: '%', ...budgetOf(source, budget) };
    return [
      { name: `with ${source}`, value, unit: 'us' },
      { name: `${source}: slower by`, ...slower },
    ];
  });
  report(title, figures);
}

/** What the kernel's allocators hold for an open connection more with programs than without. */
async function reportMemory(load: Load, directory: string): Promise<void> {
  const grown = await interleaved([undefined, 'sockops'], async () => {
    const before = slabBytes();
    const holders = await hold(load, directory);
    const after = slabBytes();
    await release(holders);
    return after - before;
  });
  const more = (grown.get('sockops')! - grown.get(undefined)!) / open;
  report('memory', [{ name: 'an open connection in the kernel', value: more, unit: 'bytes', budget: 400 }]);
}

/** Slab of /proc/meminfo (proc_meminfo(5)). */
function slabBytes(): number {
  return Number(/^Slab:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

/** Only what is used by default has to be as cheap as that. */
function budgetOf(source: TcpSourceName, budget: number): Pick<Figure, 'budget'> {
  return source === 'sockops' ? { budget } : {};
}

async function working(): Promise<TcpSourceName[]> {
  const found: TcpSourceName[] = [];
  for (const { name } of tcpSources) {
    const program = await startCounting({ source: name }).catch(() => undefined);
    program?.close();
    if (program !== undefined) found.push(name);
  }
  return found;
}

/** Microseconds. */
async function timed(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return (performance.now() - startMs) * 1000;
}

/** The median of each source. */
async function interleaved(
  sources: readonly (TcpSourceName | undefined)[],
  measure: () => Promise<number>,
): Promise<Map<TcpSourceName | undefined, number>> {
  const all = new Map(sources.map((source) => [source, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [source, values] of all) {
      const program = source && (await startCounting({ source }));
      values.push(await measure());
      program?.close();
    }
  }
  return new Map([...all].map(([source, values]) => [source, values.sort((a, b) => a - b)[rounds >> 1]!]));
}

function spentNs(program: TcpProgram, only?: string): number {
  const { object, programs } = program.figures();
  return programs
    .filter((name) => (only === undefined ? name !== 'tcp_active' && name !== 'tcp_adopt' : name === only))
    .reduce((sum, name) => sum + object.programInfo(name).runTimeNs, 0);
}

/** Opens connections and keeps them until the processes are ended. */
function hold(load: Load, directory: string): Promise<ChildProcess[]> {
  return Promise.all(
    Array.from({ length: open / heldByOne }, () =>
      load.start('-c', directory, 'hold', '127.0.0.1', port, String(heldByOne)),
    ),
  );
}

async function release(holders: readonly ChildProcess[]): Promise<void> {
  const ended = holders.map((holder) => once(holder, 'exit'));
  for (const holder of holders) holder.kill('SIGKILL');
  await Promise.all(ended);
}

async function inPrograms(
  source: TcpSourceName,
  connect: () => Promise<unknown>,
  load: Load,
  directory: string,
): Promise<void> {
  const program = await startCounting({ source });
  try {
    await connect();
    const perConnection = spentNs(program) / connects / 1000;
    const holders = await hold(load, directory);
    await program.read();
    const earlierNs = spentNs(program, 'tcp_active');
    const readMs = (await timed(() => program.read())) / 1000;
    const walkMs = (spentNs(program, 'tcp_active') - earlierNs) / 1e6;
    await release(holders);
    report(`in the programs of ${source}`, [
      { name: 'both ends of a connection', value: perConnection, unit: 'us', ...budgetOf(source, 6) },
      {
        name: `walk over both ends of ${open} connections`,
        value: walkMs,
        unit: 'ms',
        ...budgetOf(source, (40 * 2 * open) / 100_000),
      },
      { name: 'reading of all of it', value: readMs, unit: 'ms' },
    ]);
  } finally {
    program.close();
  }
}
