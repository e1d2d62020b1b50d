import { tcpLayouts } from '../../kernel/layouts.ts';
import type { TcpProgram, TcpReading } from '../../kernel/tcp-program.ts';
import { listensOf } from './listens.ts';
import type { ProcfsWalk } from './walk.ts';

const { tcpKey, tcpValue, destination } = tcpLayouts;

/** What procfs tells in the form of the kernel's maps, as counted in this walk at `nowNs` (CLOCK_MONOTONIC). */
export function readingOf({ open, listens }: ProcfsWalk, walk: number, nowNs: number): TcpReading {
  const counts: Buffer[] = [];
  const overflow: Buffer[] = [];
  for (const { cgroupId, address, port, count } of open) {
    const value = Buffer.alloc(tcpValue.size);
    value.writeBigUInt64LE(BigInt(nowNs), tcpValue.fields.lastNs.offset);
    value.writeUInt32LE(walk, tcpValue.fields.walk.offset);
    value.writeUInt32LE(count, tcpValue.fields.active.offset);
    const key = Buffer.alloc(tcpKey.size);
    if (cgroupId === 0) {
      overflow.push(key, value);
      continue;
    }
    key.writeBigUInt64LE(BigInt(cgroupId), tcpKey.fields.cgroupId.offset);
    for (const end of [tcpKey.fields.to.offset, tcpKey.fields.actual.offset]) {
      key.set(address, end + destination.fields.address.offset);
      key.writeUInt16LE(port, end + destination.fields.port.offset);
    }
    counts.push(key, value);
  }
  const nothing = Buffer.alloc(0);
  return {
    walk,
    counts: Buffer.concat(counts),
    overflow: Buffer.concat(overflow),
    histograms: nothing,
    shares: nothing,
    listens: listensOf(listens, walk, nowNs),
  };
}

/** Counts by `program`, where there is one; open connections and who listens by `walk` instead of its own. */
export function withOpenConnections(
  program: Pick<TcpProgram, 'read' | 'take'> | undefined,
  walk: () => Promise<ProcfsWalk>,
  nowNs: () => number,
): Pick<TcpProgram, 'read' | 'take'> {
  let walks = 0;
  return {
    read: async () => {
      const counted = await program?.read();
      walks = counted?.walk ?? (walks + 1) >>> 0;
      const open = readingOf(await walk(), walks, nowNs());
      if (counted === undefined) return open;
      return {
        ...counted,
        counts: Buffer.concat([counted.counts, open.counts]),
        overflow: Buffer.concat([counted.overflow, open.overflow]),
        listens: Buffer.concat([counted.listens, open.listens]),
      };
    },
    take: (map, key) => program?.take(map, key) ?? null,
  };
}
