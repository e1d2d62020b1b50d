import type { Attributes } from '@opentelemetry/api';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../host/clock.ts';
import { messageOf } from '../errors.ts';
import type { LogExport, LogExportFigures, LogExportHooks, LogExportSettings } from '../model/log-export.ts';
import { emitter, type Emit } from './records.ts';

/** Where messages leave the thread that reads them. */
export interface Exporting {
  /** What messages of the group are sent as. */
  describe(group: string, resource: Attributes): void;
  forget(group: string): void;
  readonly emitterOf: (group: string, mask: (text: string) => string) => Emit;
  readonly figures: LogExportFigures;
  shutdown(withinMs: number): Promise<void>;
}

/** Undefined where it cannot be had: `onWarning` says why, and logs are read all the same. */
export async function exporting(
  settings: LogExportSettings,
  clock: Clock,
  hooks: LogExportHooks,
): Promise<Exporting | undefined> {
  const resources = new Map<string, Attributes>();
  try {
    const { startLogExport } = (await import(exportFile())) as {
      startLogExport: (settings: LogExportSettings, hooks: LogExportHooks) => Promise<LogExport>;
    };
    const out = await startLogExport(settings, hooks);
    return {
      describe: (group, resource) => void resources.set(group, resource),
      forget: (group) => void resources.delete(group),
      emitterOf: (group, mask) =>
        emitter(out.loggerOf(resources.get(group) ?? {}), { mask, clock, hasRoom: () => out.hasRoom() }),
      get figures() {
        return out.figures;
      },
      shutdown: (withinMs) => out.shutdown(withinMs),
    };
  } catch (error) {
    hooks.onWarning(`log messages are not sent: ${messageOf(error)}`);
    return undefined;
  }
}

/** Exporters are large, and most do not want them: they are a bundle of their own, beside the one that runs. */
function exportFile(): string {
  const here = import.meta.dirname;
  const file = basename(here) === 'dist' ? 'log-export.js' : '../telemetry/log-export.ts';
  return pathToFileURL(join(here, file)).href;
}
