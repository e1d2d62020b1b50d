import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Features } from '../features.ts';
import { delayFeatures } from './delay-features.ts';

test('the state follows kernel.task_delayacct; without the setting the kernel counts', async (t) => {
  const proc = await mkdtemp(join(tmpdir(), 'delayacct-'));
  t.after(() => rm(proc, { recursive: true }));
  const features = new Features();
  const look = delayFeatures(proc, features);
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

test('delays that cannot be read lessen their feature for as long as that lasts', () => {
  const features = new Features();
  features.set('delays', true, 'no_namespace');
  const look = delayFeatures('/nowhere', features);
  look(new Error('no memory'));
  assert.deepEqual(features.get('delays'), { enabled: true, reason: 'kernel' });
  look();
  assert.deepEqual(features.get('delays'), { enabled: true, reason: 'no_namespace' });
});
