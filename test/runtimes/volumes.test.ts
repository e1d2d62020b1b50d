/** Volumes of containers as Docker mounts them: which are shown is what was written to. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { noteSeen } from '../conformance/seen.ts';
import { runLine } from '../nodes/runtimes/base/engine.ts';
import { skip, startRuntime, type RuntimeNode } from '../nodes/runtimes/runtime.ts';
import { proves } from '../proof.ts';
import { volumesOn } from '../volumes/container.ts';
import { withoutDisk } from '../volumes/disk.ts';

/** A file system on a block device at this place of the node, which has none of its own. */
async function mountDisk(t: TestContext, node: RuntimeNode, at: string): Promise<void> {
  const image = join(tmpdir(), `${node.name}.img`);
  writeFileSync(image, '');
  t.after(() => rmSync(image));
  truncateSync(image, 64 << 20);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', image]);
  const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
  // It goes with its last mount, which is that of the node.
  t.after(() => execFileSync('losetup', ['--detach', device]));
  const { rdev } = statSync(device);
  await node.exec('mknod', '/tmp/disk', 'b', String(rdev >> 8), String(rdev & 0xff));
  await node.exec('mkdir', at);
  await node.exec('mount', '-t', 'ext4', '/tmp/disk', at);
}

test(
  'docker: a volume is shown once it is written to, and nothing else that is mounted',
  { skip: skip || withoutDisk('whole') },
  async (t) => {
    const node = await startRuntime(t, 'docker');
    await mountDisk(t, node, '/srv/disk');
    await node.exec('sh', '-c', 'cd /srv/disk && mkdir data other settings && touch other/x settings/x');
    const mounts = ['data:/data', 'other:/other', 'settings:/settings:ro'].map(
      (mount) => `--volume=/srv/disk/${mount}`,
    );
    const command = ['/bin/sh', '-c', 'echo x >/in-the-image; cat /settings/* /other/*; exec sleep 1000'];
    await node.exec('docker', ...runLine({ name: 'db', command }, ...mounts));
    const agent = await node.startAgent('--min-container-age', '0s');
    const shown = async (): Promise<ReturnType<typeof volumesOn>> => {
      await sleep(1100); // a snapshot is reused for a second
      const page = await agent.page();
      noteSeen(page);
      return volumesOn(page, '/docker/db');
    };
    assert.deepEqual([...(await shown()).keys()], []);
    await node.exec('docker', 'exec', 'db', '/bin/sh', '-c', 'echo x >/data/file; echo y >/in-the-image');
    const volumes = await shown();
    assert.deepEqual([...volumes.keys()], ['/data']);
    const { bsize, blocks } = statfsSync(node.path('/srv/disk'));
    assert.equal(volumes.get('/data')?.values.get('size_bytes'), bsize * blocks);
    proves(t, 'container_resources_disk_size_bytes');
  },
);
