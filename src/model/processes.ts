import type { TextReader } from '../host/texts.ts';
import type { ListedContainer } from './containers.ts';

/** More cgroups and processes of one container are not looked at. */
const maxCgroups = 64;
const maxProcesses = 256;

/** Pids of each container, by `cgroup.procs` on the hierarchy at `mountPoint`; those of its outer cgroups first. */
export async function pidsOf(
  containers: readonly ListedContainer[],
  mountPoint: string,
  read: TextReader,
): Promise<string[][]> {
  const files = containers.map(({ cgroups }) =>
    [...cgroups].slice(0, maxCgroups).map(({ path }) => `${mountPoint}${path}/cgroup.procs`),
  );
  const texts = (await read(files.flat())).values();
  return files.map((own) =>
    own
      .flatMap(() => (texts.next().value ?? '').split('\n'))
      .filter((pid) => /^[1-9]\d*$/.test(pid))
      .slice(0, maxProcesses),
  );
}
