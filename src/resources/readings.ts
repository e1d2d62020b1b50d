import type { TextReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import { wishes } from './figures.ts';
import type { Memory } from './memory.ts';
import { isSame, type Pressure } from './pressure.ts';
import type { Sources } from './sources.ts';

/** All that was read of one cgroup last. */
export interface Reading {
  readonly path: string;
  /** False once nothing of it could be read. */
  alive: boolean;
  /** It is no cgroup any more. */
  ended: boolean;
  usageSeconds?: number | undefined;
  throttledSeconds?: number | undefined;
  limitCores?: number | undefined;
  memory?: Memory | undefined;
  limitBytes?: number | undefined;
  pressure?: Pressure | undefined;
  /** Somebody ran since the pressure was read, or waited when it was: it may have grown. */
  stirred: boolean;
  /** CPU time that its tasks have told of, and what the cgroup had used before the first of them told. */
  taskSeconds: number;
  beforeTasks: number;
  /** It is older than the agent: what it used before is known once it has been read. */
  readonly older: boolean;
  /** Limits are read again then. */
  settingsDueMs: number;
}

/** Limits are set once and seldom changed. */
const settingsMs = 45_000;
/** So that not all are read again at the same time. */
const spreadMs = 1000;
const spreads = 16;

/**
 * Reads no more than what can have changed: limits once a minute, and pressure only of cgroups that used CPU since it was
 * read, or in which somebody was waiting then. Whoever begins to wait has run before.
 */
export interface Readings {
  fresh(path: string, older: boolean): Reading;
  update(readings: readonly { reading: Reading; container: ListedContainer }[]): Promise<void>;
}

export function readings(sources: Sources, read: TextReader, nowMs: () => number): Readings {
  let made = 0;
  return {
    fresh: (path, older) => ({
      ...{ path, older, alive: true, ended: false, stirred: true, settingsDueMs: -Infinity },
      ...{ taskSeconds: 0, beforeTasks: 0 },
    }),
    async update(all) {
      const first = wishes(read);
      for (const { reading, container } of all) {
        const { path } = reading;
        let gone = true;
        first.wish(sources.usage, path, ({ usageSeconds, throttledSeconds }, missing) => {
          gone &&= missing;
          // Where nobody tells whether it ran, it may have.
          const ran = usageSeconds === undefined || usageSeconds !== reading.usageSeconds;
          if (ran) container.activity.runs++;
          if (missing) return;
          reading.stirred ||= ran;
          if (usageSeconds !== undefined) {
            // Below 0 when tasks have told what they used before they came.
            const before = usageSeconds - reading.taskSeconds;
            const isFirst = reading.older && reading.usageSeconds === undefined;
            reading.beforeTasks = isFirst ? before : Math.min(reading.beforeTasks, before);
          }
          reading.usageSeconds = usageSeconds;
          reading.throttledSeconds = throttledSeconds ?? reading.throttledSeconds;
        });
        const due = nowMs() >= reading.settingsDueMs;
        // Without a limit nothing is held back.
        if (due || reading.limitCores !== undefined)
          first.wish(sources.throttling, path, (seconds) => {
            reading.throttledSeconds = seconds ?? reading.throttledSeconds;
          });
        if (due) {
          reading.settingsDueMs = nowMs() + settingsMs + (made++ % spreads) * spreadMs;
          first.wish(sources.cpuLimit, path, (cores) => (reading.limitCores = cores));
          first.wish(sources.memoryLimit, path, (bytes) => (reading.limitBytes = bytes));
        }
        first.wish(sources.memory, path, (memory, missing) => {
          reading.memory = memory;
          reading.alive = !(gone && missing);
        });
      }
      await first.fulfil();
      const second = wishes(read);
      for (const { reading } of all.filter(({ reading: { stirred, alive } }) => stirred && alive))
        second.wish(sources.pressure, reading.path, (pressure, missing) => {
          // Gone since, or not in time: it stays as it was, and is asked for again.
          if (missing) return;
          reading.stirred = pressure !== undefined && !isSame(pressure, reading.pressure);
          reading.pressure = pressure;
        });
      await second.fulfil();
    },
  };
}
