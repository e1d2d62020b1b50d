/** Counting as the agent does it: open connections by sock_diag and procfs where the kernel lets no program walk over sockets. */
import type { TestContext } from 'node:test';
import { Features } from '../../src/features.ts';
import { startNat } from '../../src/kernel/nat.ts';
import type { TcpProgram, TcpReading } from '../../src/kernel/tcp-program.ts';
import { startTcp } from '../../src/kernel/tcp.ts';
import type { TcpSourceName } from '../../src/kernel/tcp-sources.ts';
import { connectionSource } from '../../src/tcp/source.ts';
import {
  addTotals,
  decodeKey,
  entriesOf,
  failures,
  noTotals,
  type TcpSubject,
} from '../../src/tcp/reading.ts';
import { addon, bpfObject, cgroup2Root, hierarchy, paths, type Counted } from './machine.ts';

export interface Whole {
  readonly program: TcpProgram;
  /** `<cgroup id> <destination>`, `... -> <actual destination>` where that is another one, `<cgroup id> <own address` of what came in. */
  counted(cgroupIds: readonly number[]): Promise<Map<string, Counted>>;
  /** Entries that could not be stored, by map. */
  refused(): Record<string, number>;
}

export interface WholeOptions {
  /** Path of the network namespace that translates for all. */
  readonly hostNamespace?: string;
}

/** Programs that a kernel refuses though it knows them. */
const withoutRight = /EPERM/;

/** Runs `body` with `source`; skips where this kernel refuses even its programs alone. */
export async function counting(
  t: TestContext,
  source: TcpSourceName,
  options: WholeOptions,
  body: (whole: Whole) => Promise<void>,
): Promise<void> {
  const lacks: string[] = [];
  const features = new Features((feature, { enabled, reason }, detail) => {
    if ((!enabled || reason !== '') && reason !== 'not_wanted')
      lacks.push(`${feature}: ${reason}: ${detail}`);
  });
  const all = { cgroup2Root, hierarchy, hostNetnsInode: 0, ignoredPorts: new Uint8Array(8192), source };
  const { hostNamespace } = options;
  const onLoaded = async (object: Parameters<typeof startNat>[1]): Promise<void> => {
    if (hostNamespace === undefined) return;
    await startNat(addon(), object, { hostNamespace, enablesEvents: true }, features);
  };
  const start = (walks: boolean): Promise<TcpProgram | undefined> =>
    startTcp(addon(), async (name) => bpfObject(name), { ...all, onLoaded, walks }, paths, features);
  // What the agent does not take without the walk counts here all the same.
  const program = (await start(true)) ?? (await start(false));
  try {
    const unexpected = lacks.find((lack) => !withoutRight.test(lack));
    if (unexpected !== undefined) throw new Error(lacks.join('\n'));
    if (program === undefined) return t.skip(lacks[0]);
    if (lacks.length > 0) t.diagnostic(lacks[0]!);
    const { ignoredPorts, hostNetnsInode } = all;
    const deps = { proc: paths.proc, hierarchy, addon: addon(), ignoredPorts, hostNetnsInode };
    const reader = connectionSource(program, deps).program;
    await body({
      program,
      counted: async (cgroupIds) => sums(await reader.read(), cgroupIds),
      refused: () => Object.fromEntries(program.figures().refused.map(({ map, count }) => [map, count])),
    });
  } finally {
    program?.close();
  }
}

function sums(reading: TcpReading, cgroupIds: readonly number[]): Map<string, Counted> {
  const found = new Map<string, Counted>();
  for (const { key, counts } of entriesOf(reading)) {
    const subject = decodeKey(key);
    if (!cgroupIds.includes(subject.cgroupId)) continue;
    const name = nameOf(subject);
    const sum = found.get(name) ?? { ...noTotals(), allFailed: 0, active: 0 };
    addTotals(sum, counts.totals);
    sum.allFailed += failures(counts.totals);
    sum.active += counts.active;
    found.set(name, sum);
  }
  return found;
}

function nameOf({ cgroupId, inbound, destination, actual }: TcpSubject): string {
  const translated = actual !== '' && actual !== destination ? ` -> ${actual}` : '';
  return `${cgroupId} ${inbound ? '<' : ''}${destination}${translated}`;
}
