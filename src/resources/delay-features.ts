import { readFileSync } from 'node:fs';
import { AgentError } from '../errors.ts';
import type { Features } from '../features.ts';

/**
 * Keeps the states of the features `delays` and `disk_delay`; called with every look, with the reason where one failed.
 *
 * The kernel counts disk delay where kernel.task_delayacct is not 0 (since Linux 5.14; admin-guide/sysctl/kernel.rst). The
 * setting can be changed while the agent runs.
 */
export function delayFeatures(proc: string, features: Features): (failure?: unknown) => void {
  const delays = features.get('delays');
  let last: string | undefined;
  return (failure) => {
    if (failure !== undefined) features.lessen('delays', failure);
    else if (delays !== undefined) features.set('delays', delays.enabled, delays.reason);
    const setting = settingOf(`${proc}/sys/kernel/task_delayacct`);
    if (setting === last) return;
    last = setting;
    if (setting !== '0') features.set('disk_delay', true);
    else features.lessen('disk_delay', new AgentError('ENODATA', 'kernel.task_delayacct is 0'), 'no_sysctl');
  };
}

/** Empty on kernels without the setting, which always count. */
function settingOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
