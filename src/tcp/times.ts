import { tcpTimeBounds } from '../catalogue/tcp.ts';
import type { Distribution } from '../catalogue/metric.ts';
import { tcpLayouts } from '../kernel/layouts.ts';
import type { TcpProgram, TcpReading } from '../kernel/tcp-program.ts';
import { uint64 } from '../kernel/uint64.ts';
import type { Container, ContainerDirectory } from '../model/containers.ts';

/** How long connections of a container took, and what their round-trip times were: seconds. */
export interface ContainerTimes {
  readonly container: Container;
  readonly connect: Distribution;
  readonly roundTrip: Distribution;
}

export interface TimesModel {
  /** Takes in the histograms of a reading; those of cgroups that nobody knows any more are taken out of the kernel. */
  update(reading: Pick<TcpReading, 'histograms' | 'shares'>): void;
  all(): Iterable<ContainerTimes>;
}

const { tcpHistogramKey, tcpHistogram, tcpMeasure, tcpShare } = tcpLayouts;
const keyBytes = tcpHistogramKey.size;
const entryBytes = keyBytes + tcpHistogram.size;
const shareBytes = 8 + tcpShare.size;

interface Sum {
  container: Container;
  readonly live: readonly Buckets[];
  /** Of cgroups that are gone. */
  readonly retired: readonly Buckets[];
  update: number;
}

interface Buckets {
  sumNs: number;
  readonly counts: number[];
}

/** Sums of the cgroups of each container. A container that is in no reading any more is forgotten. */
export function timesModel(directory: ContainerDirectory, take: TcpProgram['take']): TimesModel {
  const sums = new Map<string, Sum>();
  /** Whose a cgroup was when it was seen last. */
  const owners = new Map<number, Container>();
  let updates = 0;

  const sumOf = (container: Container): Sum => {
    let sum = sums.get(container.id);
    if (sum === undefined) sums.set(container.id, (sum = fresh(container, updates)));
    sum.container = container;
    sum.update = updates;
    return sum;
  };

  const rename = (): void => {
    for (const [id, sum] of sums) {
      const { successor } = sum.container;
      if (successor === undefined) continue;
      sums.delete(id);
      sum.retired.forEach((buckets, measure) => addBuckets(sumOf(successor).retired[measure]!, buckets));
    }
  };

  const takeIn = (histograms: Buffer, at: number): void => {
    const key = histograms.subarray(at, at + keyBytes);
    const cgroupId = uint64(key, tcpHistogramKey.fields.cgroupId.offset);
    const measure = key.readUInt32LE(tcpHistogramKey.fields.measure.offset);
    const known = directory.byCgroup(cgroupId);
    const last = owners.get(cgroupId);
    const container = known ?? last?.successor ?? last;
    if (container !== undefined) owners.set(cgroupId, container);
    let value: Buffer | null = histograms.subarray(at + keyBytes, at + entryBytes);
    if (known === undefined) value = take('tcp_histograms', key);
    if (container === undefined || value === null) return;
    const sum = sumOf(container);
    const to = (known === undefined ? sum.retired : sum.live)[measure];
    if (to !== undefined) addBuckets(to, decode(value));
  };

  return {
    update: ({ histograms, shares }) => {
      updates++;
      rename();
      for (const { live } of sums.values())
        for (const buckets of live) Object.assign(buckets, emptyBuckets());
      for (let at = 0; at + entryBytes <= histograms.length; at += entryBytes) takeIn(histograms, at);
      for (let at = 0; at + shareBytes <= shares.length; at += shareBytes) {
        const key = shares.subarray(at, at + 8);
        if (directory.byCgroup(uint64(key, 0)) === undefined) take('tcp_shares', key);
      }
      for (const [id, { update }] of sums) if (update !== updates) sums.delete(id);
      for (const [cgroupId, { id }] of owners) if (!sums.has(id)) owners.delete(cgroupId);
    },
    *all() {
      for (const { container, live, retired } of sums.values()) {
        const of = (measure: number): Distribution => total(live[measure]!, retired[measure]!);
        yield {
          container,
          connect: of(tcpMeasure.TCP_CONNECT_TIME),
          roundTrip: of(tcpMeasure.TCP_ROUND_TRIP_TIME),
        };
      }
    },
  };
}

function emptyBuckets(): Buckets {
  return { sumNs: 0, counts: Array.from({ length: tcpTimeBounds.length + 1 }, () => 0) };
}

function fresh(container: Container, update: number): Sum {
  const both = (): Buckets[] => Object.values(tcpMeasure).map(emptyBuckets);
  return { container, live: both(), retired: both(), update };
}

function decode(value: Buffer): Buckets {
  const { sumNs, counts } = tcpHistogram.fields;
  return {
    sumNs: uint64(value, sumNs.offset),
    counts: Array.from({ length: counts.length }, (_, bucket) => uint64(value, counts.offset + 8 * bucket)),
  };
}

function addBuckets(to: Buckets, more: Buckets): void {
  to.sumNs += more.sumNs;
  more.counts.forEach((count, bucket) => (to.counts[bucket]! += count));
}

function total(live: Buckets, retired: Buckets): Distribution {
  return {
    sum: (live.sumNs + retired.sumNs) / 1e9,
    counts: live.counts.map((count, bucket) => count + retired.counts[bucket]!),
  };
}
