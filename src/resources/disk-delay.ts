import { readFileSync } from 'node:fs';
import { AgentError } from '../errors.ts';
import type { Features } from '../features.ts';

/**
 * Keeps the state of the feature `disk_delay`: the kernel counts it where kernel.task_delayacct is not 0 (since Linux 5.14; sysctl
 * documentation, admin-guide/sysctl/kernel.rst). The setting can be changed while the agent runs.
 */
export function diskDelayState(proc: string, features: Features): () => void {
  let last: string | undefined;
  return () => {
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
