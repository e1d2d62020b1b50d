/**
 * What counting costs those who connect: rounds of the same load without programs and with those of each source, one after the
 * other, and the time in the programs themselves. Needs root. Both ends of a connection are on this machine, so that everything
 * is paid for twice.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import { tcpSources, type TcpSourceName } from '../../src/kernel/tcp-sources.ts';
import { compileLoad, makeCgroup, skip, startCounting, type Load } from '../kernel/machine.ts';
import { report, type Figure } from './table.ts';

const port = '21798';
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
    const connect = (): Promise<unknown> =>
      load.run('-c', cgroup.directory, 'connect', '127.0.0.1', port, String(connects));
    const micros = await interleaved(sources, async () => (await timed(connect)) / connects);
    const plain = micros.get(undefined)!;
    report("the client's loop", [
      { name: 'without programs', value: plain, unit: 'us' },
      ...[...micros].flatMap(([source, value]): Figure[] =>
        source === undefined
          ? []
          : [
              { name: `with ${source}`, value, unit: 'us' },
              {
                name: `${source}: slower by`,
                value: (value / plain - 1) * 100,
                unit: '%',
                ...budgetOf(source, 12),
              },
            ],
      ),
    ]);
    writeFileSync(statistics, '1');
    for (const source of sources)
      if (source !== undefined) await inPrograms(source, connect, load, cgroup.directory);
  } finally {
    writeFileSync(statistics, before);
    load.close();
    cgroup.remove();
  }
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
    const holders = await Promise.all(
      Array.from({ length: open / heldByOne }, () =>
        load.start('-c', directory, 'hold', '127.0.0.1', port, String(heldByOne)),
      ),
    );
    await program.read();
    const earlierNs = spentNs(program, 'tcp_active');
    const readMs = (await timed(() => program.read())) / 1000;
    const walkMs = (spentNs(program, 'tcp_active') - earlierNs) / 1e6;
    for (const holder of holders) holder.kill('SIGKILL');
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
