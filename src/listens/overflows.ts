import type { TextReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import { turns } from '../turns.ts';
import { netNamespaceOf } from './namespaces.ts';
import { processesOf, type PidsOf } from './processes.ts';

export interface OverflowDeps {
  readonly proc: string;
  readonly read: TextReader;
  readonly pidsOf: PidsOf;
  /** On the monotonic clock. */
  readonly nowMs: () => number;
}

export interface Overflows {
  /** Of a network namespace, as of the last look; undefined when there was none. */
  of(inode: number): number | undefined;
  /** Looks into namespaces again, at most every few seconds; each is reached through that container, or else the host's processes. */
  refresh(wanted: ReadonlyMap<number, ListedContainer | undefined>): Promise<void>;
}

const againMs = 10_000;
const maxNamespaces = 1024;

/** How often a connection found the queue of a socket full: TcpExtListenOverflows of whole network namespaces. */
export function overflows({ proc, read, pidsOf, nowMs }: OverflowDeps): Overflows {
  let known = new Map<number, number>();
  let dueMs = -Infinity;
  let looking: Promise<void> | undefined;

  const look = async (wanted: ReadonlyMap<number, ListedContainer | undefined>): Promise<void> => {
    const some = [...wanted].slice(0, maxNamespaces);
    const pids = await processesOf(
      some.map(([, container]) => container),
      pidsOf,
    );
    const turn = turns();
    const files = new Map<number, string>();
    for (const [inode, container] of some) {
      const candidates = ['self', ...(container === undefined ? ['1'] : pids(container))];
      const pid = candidates.find((each) => netNamespaceOf(`${proc}/${each}/ns/net`) === inode);
      if (pid !== undefined) files.set(inode, `${proc}/${pid}/net/netstat`);
      await turn();
    }
    const texts = await read([...files.values()]);
    known = new Map(
      [...files.keys()].flatMap((inode, i) => {
        const count = listenOverflows(texts[i] ?? '');
        return count === undefined ? [] : [[inode, count] as const];
      }),
    );
  };

  return {
    of: (inode) => known.get(inode),
    refresh(wanted) {
      if (looking === undefined && nowMs() >= dueMs) {
        dueMs = nowMs() + againMs;
        looking = look(wanted).finally(() => (looking = undefined));
      }
      return looking ?? Promise.resolve();
    },
  };
}

/** From /proc/net/netstat: a line of names, and one of numbers. */
export function listenOverflows(text: string): number | undefined {
  const [names, numbers] = text
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  const number = Number(numbers?.[names?.indexOf('ListenOverflows') ?? -1]);
  return Number.isSafeInteger(number) ? number : undefined;
}
