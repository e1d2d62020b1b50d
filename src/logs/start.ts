import type { Attributes, Meter } from '@opentelemetry/api';
import { dirname } from 'node:path';
import type { Options } from '../../config/options.ts';
import type { Collector } from '../collector.ts';
import type { Features } from '../features.ts';
import { messageOf } from '../errors.ts';
import type { HostPaths } from '../host/paths.ts';
import type { TextReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import type { LogExportSettings } from '../model/log-export.ts';
import type { Addon } from '../native/addon.ts';
import { logsCollector } from './collector.ts';
import { desk } from './desk.ts';
import { journalSource } from './journal-source.ts';
import { insideOpener } from './inside-opener.ts';
import { hostOpener } from './opener.ts';
import { logSeries } from './series.ts';
import { streams, type Streams } from './streams.ts';
import { writtenFiles } from './written.ts';

/** Who runs is looked through so often; new files of containers are told at once. */
const lookEveryMs = 5000;
/** Whoever opens a file below /var/log keeps it open, as a rule. */
const lookForWrittenEveryMs = 30_000;
const lookForNewAfterMs = 2000;

export interface Logs {
  readonly collector: Collector;
  /** A runtime has told where the container's logs are. */
  onLogFile(container: ListedContainer): void;
  /** A container has started. */
  onStart(): void;
  /** What is there is read once, and counted; nothing is read afterwards. */
  settle(): Promise<void>;
}

export interface LogsDeps {
  readonly addon: Addon | undefined;
  readonly paths: HostPaths;
  readonly containers: { all(): Iterable<ListedContainer> };
  /** Mount point of the hierarchy that counts. */
  readonly mountPoint: string;
  readonly read: TextReader;
  readonly features: Features;
  readonly nowMs: () => number;
  readonly options: Pick<Options, 'logs' | 'stateDirectory'>;
  readonly onProblem: (text: string) => void;
  /** Where messages are sent; nowhere without it. */
  readonly exportTo: LogExportSettings | undefined;
  readonly onExports: (works: boolean, reason: string) => void;
}

/** Undefined where they are not wanted; the feature `log_files` says so. */
export function startLogs(meter: Meter, deps: LogsDeps): Logs | undefined {
  const { addon, paths, containers, features, options, exportTo, onProblem, onExports } = deps;
  if (!options.logs.enabled) {
    for (const feature of ['log_files', 'journal'] as const) features.set(feature, false, 'not_wanted');
    return undefined;
  }
  const series = logSeries(options.logs.patternLimit);
  const setWorking = (): void => features.set('log_files', true, addon === undefined ? 'no_addon' : '');
  const worker = desk({
    settings: { ...options.logs, stateDirectory: options.stateDirectory, exportTo },
    onCounted: (counted) => series.take(counted),
    onProblem,
    onExports,
    onDeath(error) {
      series.renew();
      features.fail('log_files', error);
    },
    onRestart: () => setWorking(),
  });
  const read = streams({
    ...{ containers, desk: worker, root: paths.root, openHost: hostOpener(addon, paths) },
    onGroup(name, source, of) {
      series.add(name, source, of);
      worker.describe(name, resourceOf(of()));
    },
    onForget(groups) {
      for (const group of groups) worker.forget(group);
      series.forget(groups);
    },
  });
  setWorking();
  const lookForWritten = addon && followWritten(addon, read, deps);
  let isLooking = false;
  const look = async (onlyNew: boolean): Promise<void> => {
    if (isLooking || lookForWritten === undefined) return;
    isLooking = true;
    await lookForWritten(onlyNew).catch((error: unknown) => onProblem(messageOf(error)));
    isLooking = false;
  };
  let soon: NodeJS.Timeout | undefined;
  const timers = [
    setInterval(() => read.look(), lookEveryMs).unref(),
    setInterval(() => void look(false), lookForWrittenEveryMs).unref(),
  ];
  read.look();
  void look(false);
  const journal = addon && journalSource({ ...deps, addon, root: paths.root, streams: read, desk: worker });
  if (journal === undefined) features.set('journal', false, 'no_addon');
  let unattributed = (): number => 0;
  void journal?.then((source) => (unattributed = () => source.unattributed));
  return {
    collector: logsCollector(meter, {
      ...{ series, desk: worker },
      refused: () => ({ unattributed: unattributed(), stream: read.refused, dropped: worker.dropped }),
    }),
    onLogFile: (container) => read.lookAt(container),
    onStart() {
      soon ??= setTimeout(() => {
        soon = undefined;
        void look(true);
      }, lookForNewAfterMs).unref();
    },
    async settle() {
      timers.forEach(clearInterval);
      clearTimeout(soon);
      // Where no thread has lived to tell its place it begins with the end of the desk, and is closed at once.
      void journal?.then((source) => source.close());
      read.look();
      await worker.close();
    },
  };
}

/** As the reference has it: the service is the application, the container where there is none. */
function resourceOf({ id, labels }: ListedContainer): Attributes {
  return { 'service.name': labels['app_id'] || id, 'container.id': id };
}

/** Answers a function that looks which files containers write to themselves, and has them followed. */
function followWritten(addon: Addon, read: Streams, deps: LogsDeps): (onlyNew: boolean) => Promise<void> {
  const { containers, mountPoint, paths } = deps;
  const processes = { mountPoint, proc: paths.proc, read: deps.read };
  const written = writtenFiles({ containers, ...processes });
  const openerOf = insideOpener({ addon, ...processes });
  return async (onlyNew) => {
    for (const [container, files] of await written(onlyNew))
      read.followFiles(
        container,
        files.map(({ path, ...process }) => ({
          path,
          directory: `${paths.proc}/${process.pid}/root${dirname(path)}`,
          open: openerOf(container, dirname(path), process),
        })),
      );
  };
}
