import { statSync } from 'node:fs';
import type { TextReader } from '../host/texts.ts';
import type { Container, ContainerList, ListedContainer } from '../model/containers.ts';
import { pidsOf } from '../model/processes.ts';
import type { Upstreams } from '../model/upstreams.ts';
import { turns } from '../turns.ts';
import { pingable } from './address.ts';
import type { Space, Talker } from './plan.ts';

export interface SpacesDeps {
  readonly upstreams: Upstreams;
  readonly containers: ContainerList;
  /** Mount point of the hierarchy that counts. */
  readonly mountPoint: string;
  /** procfs with the pids that cgroup.procs shows. */
  readonly proc: string;
  readonly read: TextReader;
}

/** Containers whose processes are looked for in one go. */
const atOnce = 128;

/** The network namespaces of containers that run and are shown, by the first process of each that can be looked at. */
export async function spacesOf(deps: SpacesDeps): Promise<Space[]> {
  const { containers, mountPoint, proc, read } = deps;
  const wanted = await wantedOf(deps.upstreams);
  const talking = [...containers.all()].filter((each) => isRunning(each) && wanted.has(each));
  const own = inodeOf('/proc/self/ns/net');
  const spaces = new Map<number, Space & { talkers: Talker[] }>();
  const turn = turns();
  for (let start = 0; start < talking.length; start += atOnce) {
    const some = talking.slice(start, start + atOnce);
    const pids = await pidsOf(some, mountPoint, read);
    for (const [i, container] of some.entries()) {
      await turn();
      for (const pid of pids[i] ?? []) {
        const path = `${proc}/${pid}/ns/net`;
        const inode = inodeOf(path);
        if (inode === undefined) continue;
        const space = spaces.get(inode) ?? { inode, path: inode === own ? null : path, talkers: [] };
        space.talkers.push({ container, addresses: wanted.get(container)! });
        spaces.set(inode, space);
        break;
      }
    }
  }
  return [...spaces.values()];
}

/** One that has ended has nowhere to be pinged from. */
export function isRunning({ topCgroups }: ListedContainer): boolean {
  return topCgroups.length > 0;
}

async function wantedOf(upstreams: Upstreams): Promise<ReadonlyMap<Container, readonly string[]>> {
  const wanted = new Map<Container, readonly string[]>();
  const turn = turns();
  for (const { container, addresses } of await upstreams.list()) {
    await turn();
    if (!container.visible) continue;
    const some = [...addresses].filter((address) => pingable(address) !== undefined);
    if (some.length > 0) wanted.set(container, some);
  }
  return wanted;
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}
