import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api';
import { latencyMetrics, pingMetrics } from '../catalogue/latency.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { ListedContainer } from '../model/containers.ts';
import type { Addon } from '../native/addon.ts';
import { CpuBudget } from './budget.ts';
import { Planner } from './plan.ts';
import { pingAll, type Answers } from './round.ts';
import { isRunning, spacesOf, type SpacesDeps } from './spaces.ts';
import { Stamping } from './stamping.ts';

/** A collection that comes so long after the beginning of the last round begins another. */
const roundEveryMs = 10_000;
/** An older round is not shown. */
const shownMs = 150_000;
const limits = { ofContainer: 256, ofNode: 4096 };
/** Of a core, and CPU time that may be used at once. */
const share = 0.1;
const burstNs = 1e9;

export interface LatencyDeps extends SpacesDeps {
  readonly addon: Pick<Addon, 'ping' | 'stampReceived'>;
  /** How often somebody outside has read what was collected: without new readings nothing is pinged. */
  readonly reads: () => number;
  readonly nowMs: () => number;
}

export interface LatencyCollector extends Collector {
  /** Begins no more rounds. Idempotent. */
  close(): void;
}

/** The labels are the same object for as long as the address answers. */
interface Sample {
  readonly seconds: number;
  readonly labels: Attributes;
}

type Samples = ReadonlyMap<ListedContainer, ReadonlyMap<string, Sample>>;

/** Round-trip times to what containers talk to. A collection shows the last round, and begins the next in the background. */
export function latencyCollector(meter: Meter, deps: LatencyDeps): LatencyCollector {
  const { addon, reads, nowMs } = deps;
  const { roundTrip } = instruments(meter, latencyMetrics);
  const { refused } = instruments(meter, pingMetrics);
  const round = { addon, nowMs, planner: new Planner(limits), budget: new CpuBudget(share, burstNs, nowMs) };
  const stamping = new Stamping(addon);
  let samples: Samples = new Map();
  let sampledMs = -Infinity;
  let refusedPings = 0;
  let begunMs = -Infinity;
  let readsBefore = 0;
  let running = false;

  const ping = async (): Promise<Samples> => {
    const spaces = await spacesOf(deps);
    if (spaces.length === 0 || !(await stamping.begin())) return new Map();
    const { answers, refused: more } = await pingAll(spaces, round);
    refusedPings += more;
    return samplesOf(answers, samples);
  };

  const begin = async (): Promise<void> => {
    if (running || nowMs() - begunMs < roundEveryMs || reads() === readsBefore) return;
    readsBefore = reads();
    begunMs = nowMs();
    running = true;
    // What is wrong with cgroups or descriptors, the collectors tell whose subject that is.
    samples = await ping().catch(() => new Map<never, never>());
    sampledMs = nowMs();
    running = false;
  };

  return {
    name: 'container_latency',
    instruments: [roundTrip, refused],
    collect(result: BatchObservableResult) {
      result.observe(refused, refusedPings);
      void begin();
      if (nowMs() - sampledMs > shownMs) return;
      for (const [container, own] of samples) {
        if (!container.visible || !isRunning(container)) continue;
        for (const { seconds, labels } of own.values()) result.observe(roundTrip, seconds, labels);
      }
    },
    close: () => stamping.close(),
  };
}

function samplesOf(answers: ReadonlyMap<ListedContainer, Answers>, before: Samples): Samples {
  const sampleOf = (container: ListedContainer, address: string, seconds: number): Sample => {
    const known = before.get(container)?.get(address)?.labels;
    const isSame = known !== undefined && known['app_id'] === container.labels['app_id'];
    return { seconds, labels: isSame ? known : { ...container.labels, destination_ip: address } };
  };
  return new Map(
    [...answers].map(([container, own]) => [
      container,
      new Map([...own].map(([address, seconds]) => [address, sampleOf(container, address, seconds)])),
    ]),
  );
}
