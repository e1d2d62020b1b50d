import type { Meter } from '@opentelemetry/api';
import { getSystemErrorName } from 'node:util';
import { AgentError } from '../errors.ts';
import type { Features } from '../features.ts';
import type { Addon } from '../native/addon.ts';
import { latencyCollector, type LatencyCollector, type LatencyDeps } from './collector.ts';

const loopback = Buffer.from('00000000000000000000ffff7f000001', 'hex');

/** Undefined where it is not wanted or not possible; the feature `latency` says why. */
export async function startLatency(
  meter: Meter,
  deps: Omit<LatencyDeps, 'addon'> & { addon: Addon | undefined; isWanted: boolean; features: Features },
): Promise<LatencyCollector | undefined> {
  const { addon, isWanted, features, proc } = deps;
  if (!isWanted || addon === undefined) {
    features.set('latency', false, isWanted ? 'no_addon' : 'not_wanted');
    return undefined;
  }
  try {
    await tryIn(addon, null);
  } catch (error) {
    features.fail('latency', error);
    return undefined;
  }
  try {
    await tryIn(addon, `${proc}/1/ns/net`);
    features.set('latency', true);
  } catch (error) {
    features.lessen('latency', error);
  }
  return latencyCollector(meter, { ...deps, addon });
}

/** Goes as far as the socket: there is no time to send anything. */
async function tryIn(addon: Addon, path: string | null): Promise<void> {
  const { errors } = await addon.ping(path, loopback, 0);
  const code = getSystemErrorName(-errors[0]!);
  if (code !== 'ETIMEDOUT') throw new AgentError(code, `socket: ${code}`, { syscall: 'socket' });
}
