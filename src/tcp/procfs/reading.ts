import { tcpLayouts } from '../../kernel/layouts.ts';
import type { TcpProgram, TcpReading } from '../../kernel/tcp-program.ts';
import { listensOf } from './listens.ts';
import { trafficSums, type Sum, type TrafficSums } from './traffic.ts';
import type { OpenConnections, ProcfsWalk } from './walk.ts';

const { tcpKey, tcpValue, destination } = tcpLayouts;

/** What procfs tells in the form of the kernel's maps, as counted in this walk at `nowNs` (CLOCK_MONOTONIC). */
export function readingOf(
  { open, listens }: ProcfsWalk,
  walk: number,
  nowNs: number,
  sums: TrafficSums['sums'] = new Map(),
): TcpReading {
  const counts: Buffer[] = [];
  const overflow: Buffer[] = [];
  const ended = new Map(sums);
  for (const each of open) {
    const key = keyOf(each);
    const text = key.toString('latin1');
    const value = valueOf(sums.get(text), nowNs);
    value.writeUInt32LE(walk, tcpValue.fields.walk.offset);
    value.writeUInt32LE(each.count, tcpValue.fields.active.offset);
    (each.cgroupId === 0 ? overflow : counts).push(key, value);
    ended.delete(text);
  }
  for (const [key, sum] of ended) counts.push(Buffer.from(key, 'latin1'), valueOf(sum, sum.lastNs));
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

/** `tcpKey`; zeros where nobody is known to hold the connection. */
function keyOf({ cgroupId, address, port }: OpenConnections): Buffer {
  const key = Buffer.alloc(tcpKey.size);
  if (cgroupId === 0) return key;
  key.writeBigUInt64LE(BigInt(cgroupId), tcpKey.fields.cgroupId.offset);
  for (const end of [tcpKey.fields.to.offset, tcpKey.fields.actual.offset]) {
    key.set(address, end + destination.fields.address.offset);
    key.writeUInt16LE(port, end + destination.fields.port.offset);
  }
  return key;
}

/** `tcpValue` without open connections. */
function valueOf(sum: Sum | undefined, lastNs: number): Buffer {
  const value = Buffer.alloc(tcpValue.size);
  const { fields } = tcpValue;
  value.writeBigUInt64LE(BigInt(lastNs), fields.lastNs.offset);
  for (const figure of ['bytesSent', 'bytesReceived', 'retransmits'] as const)
    value.writeBigUInt64LE(BigInt(sum?.[figure] ?? 0), fields[figure].offset);
  return value;
}

type Reader = Pick<TcpProgram, 'read' | 'take'>;

/** Counts by `program`; open connections and who listens by `walk` instead of its own. */
export function withOpenConnections(
  program: Reader,
  walk: () => Promise<ProcfsWalk>,
  nowNs: () => number,
): Reader {
  return {
    read: async () => {
      const counted = await program.read();
      const open = readingOf(await walk(), counted.walk, nowNs());
      return {
        ...counted,
        counts: Buffer.concat([counted.counts, open.counts]),
        overflow: Buffer.concat([counted.overflow, open.overflow]),
        listens: Buffer.concat([counted.listens, open.listens]),
      };
    },
    take: (map, key) => program.take(map, key),
  };
}

/** The same without any program: also what connections carry while they are looked at. */
export function openConnectionsAlone(walk: () => Promise<ProcfsWalk>, nowNs: () => number): Reader {
  const traffic = trafficSums();
  let walks = 0;
  return {
    read: async () => {
      const walked = await walk();
      const now = nowNs();
      traffic.update(trafficOf(walked.open), now);
      walks = (walks + 1) >>> 0;
      return readingOf(walked, walks, now, traffic.sums);
    },
    take: (map, key) => {
      if (map !== 'tcp_counts') return null;
      const sum = traffic.take(Buffer.from(key).toString('latin1'));
      return sum === undefined ? null : valueOf(sum, sum.lastNs);
    },
  };
}

function* trafficOf(
  open: readonly OpenConnections[],
): Generator<readonly [string, OpenConnections['traffic'][number]]> {
  for (const each of open) {
    if (each.cgroupId === 0) continue;
    const key = keyOf(each).toString('latin1');
    for (const traffic of each.traffic) yield [key, traffic];
  }
}
