import type { TextReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import type { CpuUsage } from './cpu.ts';
import { wishes } from './figures.ts';
import type { Memory } from './memory.ts';
import { isSame, type Pressure } from './pressure.ts';
import type { Sources } from './sources.ts';

/** All that was read of one container last. */
export interface Reading extends CpuUsage {
  cgroup: string;
  /** False once nothing of its cgroup could be read. */
  alive: boolean;
  usageSeconds?: number | undefined;
  throttledSeconds?: number | undefined;
  limitCores?: number | undefined;
  memory?: Memory | undefined;
  limitBytes?: number | undefined;
  pressure?: Pressure | undefined;
  /** Somebody ran since the pressure was read, or waited when it was: it may have grown. */
  stirred: boolean;
  /** Limits are read again then. */
  settingsDueMs: number;
}

/** Limits are set once and seldom changed. */
const settingsMs = 45_000;
/** So that not all are read again at the same time. */
const spreadMs = 1000;
const spreads = 16;

export interface Readings {
  /** Reads what may have changed of these containers, which must have a cgroup. */
  update(containers: readonly ListedContainer[]): Promise<void>;
  of(container: ListedContainer): Reading | undefined;
}

/**
 * Reads no more than what can have changed: limits once a minute, and pressure only of containers that used CPU since it was
 * read, or in which somebody was waiting then. Whoever begins to wait has run before.
 */
export function readings(sources: Sources, read: TextReader, nowMs: () => number): Readings {
  const byContainer = new WeakMap<ListedContainer, Reading>();
  let made = 0;

  const readingOf = (container: ListedContainer): Reading => {
    const cgroup = container.cgroup!;
    let reading = byContainer.get(container);
    if (reading === undefined) {
      reading = { cgroup, alive: true, stirred: true, settingsDueMs: -Infinity };
      byContainer.set(container, reading);
    } else if (reading.cgroup !== cgroup || !reading.alive) {
      Object.assign(reading, { cgroup, stirred: true, settingsDueMs: -Infinity });
    }
    return reading;
  };

  return {
    of: (container) => byContainer.get(container),
    async update(containers) {
      const all = containers.map(readingOf);
      const first = wishes(read);
      for (const [i, reading] of all.entries()) {
        const { cgroup } = reading;
        const { activity } = containers[i]!;
        let gone = true;
        first.wish(sources.usage, cgroup, ({ usageSeconds, throttledSeconds }, missing) => {
          gone &&= missing;
          if (missing) return;
          const ran = usageSeconds === undefined || usageSeconds !== reading.usageSeconds;
          if (ran) activity.runs++;
          reading.stirred ||= ran;
          reading.usageSeconds = usageSeconds;
          reading.throttledSeconds = throttledSeconds ?? reading.throttledSeconds;
        });
        const due = nowMs() >= reading.settingsDueMs;
        // Without a limit nothing is held back.
        if (due || reading.limitCores !== undefined)
          first.wish(sources.throttling, cgroup, (seconds) => {
            reading.throttledSeconds = seconds ?? reading.throttledSeconds;
          });
        if (due) {
          reading.settingsDueMs = nowMs() + settingsMs + (made++ % spreads) * spreadMs;
          first.wish(sources.cpuLimit, cgroup, (cores) => (reading.limitCores = cores));
          first.wish(sources.memoryLimit, cgroup, (bytes) => (reading.limitBytes = bytes));
        }
        first.wish(sources.memory, cgroup, (memory, missing) => {
          reading.memory = memory;
          reading.alive = !(gone && missing);
        });
      }
      await first.fulfil();
      const second = wishes(read);
      for (const reading of all.filter(({ stirred, alive }) => stirred && alive))
        second.wish(sources.pressure, reading.cgroup, (pressure) => {
          reading.stirred = pressure !== undefined && !isSame(pressure, reading.pressure);
          reading.pressure = pressure;
        });
      await second.fulfil();
    },
  };
}
