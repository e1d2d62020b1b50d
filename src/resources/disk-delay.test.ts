import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Features } from '../features.ts';
import { diskDelayState } from './disk-delay.ts';

test('the state follows kernel.task_delayacct; without the setting the kernel counts', async (t) => {
  const proc = await mkdtemp(join(tmpdir(), 'delayacct-'));
  t.after(() => rm(proc, { recursive: true }));
  const features = new Features();
  const look = diskDelayState(proc, features);
  const stateAt = async (setting: string | undefined): Promise<unknown> => {
    if (setting !== undefined) {
      await mkdir(join(proc, 'sys/kernel'), { recursive: true });
      await writeFile(join(proc, 'sys/kernel/task_delayacct'), setting);
    }
    look();
    return features.get('disk_delay');
  };
  assert.deepEqual(await stateAt(undefined), { enabled: true, reason: '' });
  assert.deepEqual(await stateAt('0\n'), { enabled: true, reason: 'no_sysctl' });
  assert.deepEqual(await stateAt('1\n'), { enabled: true, reason: '' });
});
