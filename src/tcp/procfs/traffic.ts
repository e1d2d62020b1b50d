import type { Traffic } from './diag.ts';

/** What was carried to one destination. */
export interface Sum {
  bytesSent: number;
  bytesReceived: number;
  retransmits: number;
  /** When a connection was seen last. */
  lastNs: number;
}

export interface TrafficSums {
  /** Takes in the connections that are open now, each with the key that it counts under. */
  update(open: Iterable<readonly [key: string, traffic: Traffic]>, nowNs: number): void;
  /** By key, also of connections that have ended. */
  readonly sums: ReadonlyMap<string, Sum>;
  take(key: string): Sum | undefined;
}

/** As many as the kernel's programs keep. */
const maxKeys = 20_000;

/**
 * Adds up by how much the figures of connections have grown. Those that are open at the first look are older than we are: what
 * they carried before does not count. Keys beyond the bound are not added up.
 */
export function trafficSums(most = maxKeys): TrafficSums {
  const sums = new Map<string, Sum>();
  let known: Map<string, Traffic> | undefined;

  const sumOf = (key: string, lastNs: number): Sum | undefined => {
    const found = sums.get(key);
    if (found !== undefined || sums.size >= most) return found;
    const fresh = { bytesSent: 0, bytesReceived: 0, retransmits: 0, lastNs };
    sums.set(key, fresh);
    return fresh;
  };

  return {
    sums,
    update(open, nowNs) {
      const now = new Map<string, Traffic>();
      for (const [key, traffic] of open) {
        now.set(traffic.cookie, traffic);
        const sum = sumOf(key, nowNs);
        if (sum === undefined) continue;
        sum.lastNs = nowNs;
        const before = known === undefined ? traffic : known.get(traffic.cookie);
        for (const figure of ['bytesSent', 'bytesReceived', 'retransmits'] as const)
          sum[figure] += Math.max(0, traffic[figure] - (before?.[figure] ?? 0));
      }
      known = now;
    },
    take(key) {
      const sum = sums.get(key);
      sums.delete(key);
      return sum;
    },
  };
}
