import { tcpLayouts } from '../../kernel/layouts.ts';
import type { TcpProgram, TcpReading } from '../../kernel/tcp.ts';
import type { OpenConnections } from './walk.ts';

const { tcpKey, tcpValue, destination } = tcpLayouts;

/** Open connections in the form of the kernel's maps, as counted in this walk at `nowNs` (CLOCK_MONOTONIC). */
export function readingOf(connections: readonly OpenConnections[], walk: number, nowNs: number): TcpReading {
  const counts: Buffer[] = [];
  const overflow: Buffer[] = [];
  for (const { cgroupId, address, port, count } of connections) {
    const value = Buffer.alloc(tcpValue.size);
    value.writeBigUInt64LE(BigInt(nowNs), tcpValue.fields.lastNs.offset);
    value.writeUInt32LE(walk, tcpValue.fields.walk.offset);
    value.writeUInt32LE(count, tcpValue.fields.active.offset);
    if (cgroupId === 0) {
      overflow.push(Buffer.alloc(8), value);
      continue;
    }
    const key = Buffer.alloc(tcpKey.size);
    const to = tcpKey.fields.to.offset;
    key.writeBigUInt64LE(BigInt(cgroupId), tcpKey.fields.cgroupId.offset);
    key.set(address, to + destination.fields.address.offset);
    key.writeUInt16LE(port, to + destination.fields.port.offset);
    counts.push(key, value);
  }
  return { walk, counts: Buffer.concat(counts), overflow: Buffer.concat(overflow) };
}

/** Counts by `program`, where there is one, and open connections by `walk` instead of its own. */
export function withOpenConnections(
  program: Pick<TcpProgram, 'read' | 'take'> | undefined,
  walk: () => Promise<readonly OpenConnections[]>,
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
        walk: walks,
        counts: Buffer.concat([counted.counts, open.counts]),
        overflow: Buffer.concat([counted.overflow, open.overflow]),
      };
    },
    take: (map, key) => program?.take(map, key) ?? null,
  };
}
