/** The way out for log records, loaded where they are made and only if they are wanted. */
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import type { LogExport, LogExportHooks, LogExportSettings } from '../model/log-export.ts';
import { version } from '../version.ts';
import { logSender } from './log-exporter.ts';
import { LogQueue, type LogQueueLimits } from './log-queue.ts';
import { serviceName } from './resource.ts';

/**
 * `OTEL_RESOURCE_ATTRIBUTES` wins over what the settings say of the node, and what is said of a logger over both. Rejects for settings that
 * cannot be used (`EINVAL`, errno of a file).
 */
export async function startLogExport(
  settings: LogExportSettings,
  { onState, onWarning }: LogExportHooks,
  limits?: Partial<LogQueueLimits>,
): Promise<LogExport> {
  const queue = new LogQueue(await logSender(settings, onWarning), onState, limits);
  const node = resourceFromAttributes(settings.resource).merge(
    detectResources({ detectors: [resourceAttributesEnvDetector] }),
  );
  return {
    loggerOf(attributes) {
      const resource = node.merge(resourceFromAttributes(attributes));
      return new LoggerProvider({ resource, processors: [queue] }).getLogger(serviceName, version);
    },
    hasRoom: () => queue.hasRoom(),
    get figures() {
      return queue.figures;
    },
    shutdown: (withinMs) => queue.shutdown(withinMs),
  };
}
