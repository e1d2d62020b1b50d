/** Interfaces without netlink: our own view through procfs, sysfs and Node. */
import { networkInterfaces } from 'node:os';
import type { HostPaths } from '../host/paths.ts';
import { readText } from '../host/files.ts';
import { isShownAddress, type Address } from '../host/rtnetlink.ts';
import { decimal } from '../host/statistics.ts';
import { completeLines } from './format.ts';
import { isShown, type Interface } from './interfaces.ts';

type Counters = Omit<Interface, 'up' | 'addresses'>;

/** Rows of /proc/net/dev (proc_net(5)): 8 columns received, 8 transmitted. Incomplete rows are left out. */
export function parseNetDev(text: string): Counters[] {
  return completeLines(text).flatMap((line) => {
    const [, name = '', rest = ''] = /^\s*([^\s:]+):(.*)$/.exec(line) ?? [];
    const columns = rest.trim().split(/\s+/).map(decimal);
    const [receivedBytes, receivedPackets, , , , , , , transmittedBytes, transmittedPackets] = columns;
    if (
      !isShown(name) ||
      columns.length < 16 ||
      receivedBytes === undefined ||
      receivedPackets === undefined ||
      transmittedBytes === undefined ||
      transmittedPackets === undefined
    ) {
      return [];
    }
    return [{ name, receivedBytes, receivedPackets, transmittedBytes, transmittedPackets }];
  });
}

/** Reads what our own network namespace shows. */
export async function readInterfaces({ proc, sys }: HostPaths): Promise<Interface[]> {
  const own = networkInterfaces();
  const rows = parseNetDev(await readText(`${proc}/net/dev`));
  return Promise.all(
    rows.map(async (row) => {
      const state = await readText(`${sys}/class/net/${row.name}/operstate`).catch(() => undefined);
      const addresses = (own[row.name] ?? [])
        .filter(({ address }) => isShownAddress(address))
        .map(({ address: ip, cidr, family }): Address => {
          const hostBits = family === 'IPv4' ? 32 : 128;
          return { ip, prefixBits: cidr === null ? hostBits : Number(cidr.split('/')[1]) };
        });
      return { ...row, up: state === undefined ? undefined : state.trim() === 'up', addresses };
    }),
  );
}
