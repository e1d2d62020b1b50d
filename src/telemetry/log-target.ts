import type { LogExportSettings } from '../model/log-export.ts';
import { credentialsOf, metadataOf } from './otlp-target.ts';
import { agentOptionsOf } from './otlp-tls.ts';
import { present, type NodeIdentity } from './resource.ts';

/**
 * What the thread that sends log records is told, with the files and headers tried that it will need. Throws for what cannot be used
 * (`EINVAL`, errno of a file): better at the start than with the first message.
 */
export function logTarget(
  to: Omit<LogExportSettings, 'resource'>,
  { hostName, machineId }: Pick<NodeIdentity, 'hostName' | 'machineId'>,
): LogExportSettings {
  const target = { ...to, signal: 'LOGS' } as const;
  metadataOf(target);
  if (to.protocol === 'grpc') credentialsOf(target);
  else agentOptionsOf(target);
  return { ...to, resource: { ...present('host.name', hostName), ...present('host.id', machineId) } };
}
