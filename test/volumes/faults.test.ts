/** Volumes where something fails: file systems that hang, programs that cannot be loaded, mounts that go, too many of them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { everybody } from '../containers/tree.ts';
import { agentUnder, direct, endsWell, sumOf } from '../faults/agent.ts';
import { denying, skipDeny } from '../faults/deny.ts';
import { skipSlow, slow } from '../faults/mounts.ts';
import { skip } from '../kernel/machine.ts';
import { until } from '../peers/peer.ts';
import { container, mountPoints, volumesOf, volumesWith, writeProgram, type Bind } from './container.ts';
import { disk, withoutDisk, type Disk } from './disk.ts';

const withoutBpf = (command: string, line: readonly string[]): readonly [string, string[]] => {
  const [first = '', ...rest] = denying({ syscalls: ['bpf'], errno: 'EPERM' }, command, line);
  return [first, rest];
};

describe('on a disk', { skip: skip || withoutDisk('whole') }, () => {
  let here: Disk;
  before(() => {
    here = disk('whole');
  });
  after(() => here?.remove());
  const points = mountPoints();

  const bindOf = (name: string): Bind => {
    const [source, target] = [join(here.folder, name), join(points, name)];
    for (const each of [source, target]) mkdirSync(each, { recursive: true });
    writeFileSync(join(source, 'file'), 'x');
    return { source, target };
  };
  const sizeBytes = (): number => {
    const { bsize, blocks } = statfsSync(here.folder);
    return bsize * blocks;
  };

  test('a file system that hangs loses its own series, and no other', { skip: skipSlow }, async (t) => {
    const file = join(points, 'dead');
    writeFileSync(file, 'x');
    const faulty = await slow(t, file, 0);
    const [, [namespace = '']] = faulty.within('x', []);
    const bind = bindOf('living');
    const { place, act } = await container([bind], '-j', /\d+/.exec(namespace)![0]);
    const agent = await agentUnder(t, direct, { args: [...everybody, '--all-volumes'] });
    await act('write', join(bind.target, 'file'), '1');
    faulty.die();
    for (let i = 0; i < 4; i++) {
      const shown = await volumesWith(agent, place, bind.target);
      assert.equal(shown.get(bind.target)?.values.get('size_bytes'), sizeBytes());
      assert.equal(shown.get(file)?.values.get('size_bytes'), undefined);
      assert.ok(shown.has('/'));
    }
    const errors = [...(await agent.series())].filter(
      ([key]) =>
        key.startsWith('node_agent_collection_errors_total{') &&
        key.includes('collector="container_volumes"'),
    );
    assert.deepEqual(
      errors.map(([, count]) => count),
      [0],
    );
    faulty.revive();
    await endsWell(agent);
  });

  test('without programs what is open for writing is found', { skip: skipDeny }, async (t) => {
    const [held, kept] = [bindOf('held'), bindOf('kept')];
    const { place, staying } = await container([held, kept]);
    await staying('hold', join(held.target, 'file'));
    await staying('keep', join(kept.target, 'file'));
    const agent = await agentUnder(t, withoutBpf, { args: everybody });
    const shown = await volumesWith(agent, place, held.target);
    assert.deepEqual([...shown.keys()], [held.target]);
    assert.equal(shown.get(held.target)?.values.get('size_bytes'), sizeBytes());
    const state = [...(await agent.series()).keys()].find(
      (key) => key.startsWith('node_agent_feature_enabled{') && key.includes('feature="volumes"'),
    );
    assert.match(state ?? '', /reason="denied"/);
  });

  test('a mount that goes takes its series along', async (t) => {
    const [going, staying] = [bindOf('going'), bindOf('staying')];
    const { place, act, first } = await container([going, staying]);
    const agent = await agentUnder(t, direct, { args: everybody });
    for (const { target } of [going, staying]) await act('write', join(target, 'file'), '1');
    const both = [...(await volumesWith(agent, place, going.target)).keys()];
    assert.deepEqual(both.sort(), [going.target, staying.target]);
    execFileSync('nsenter', [`--mount=/proc/${first.pid}/ns/mnt`, 'umount', going.target]);
    assert.deepEqual([...(await volumesWith(agent, place, staying.target)).keys()], [staying.target]);
  });

  test('a link in place of a directory is not followed to something else', async (t) => {
    const [directory, elsewhere] = [join(points, 'swapped'), join(points, 'elsewhere')];
    for (const each of [directory, elsewhere]) mkdirSync(join(each, 'mounted'), { recursive: true });
    const { source } = bindOf('behind');
    const target = join(directory, 'mounted');
    const { place, act } = await container([{ source, target }]);
    const agent = await agentUnder(t, direct, { args: everybody });
    await act('write', join(target, 'file'), '1');
    assert.equal(
      (await volumesWith(agent, place, target)).get(target)?.values.get('size_bytes'),
      sizeBytes(),
    );
    renameSync(directory, join(points, 'moved'));
    symlinkSync(elsewhere, directory);
    assert.deepEqual([...(await volumesOf(agent, place)).keys()], []);
    assert.deepEqual([...(await volumesOf(agent, place)).keys()], []);
    await act('write', join(points, 'moved/mounted/file'), '1');
    const shown = await volumesWith(agent, place, join(points, 'moved/mounted'));
    assert.deepEqual([...shown.keys()], [join(points, 'moved/mounted')]);
    assert.equal(shown.get(join(points, 'moved/mounted'))?.values.get('size_bytes'), sizeBytes());
  });

  test('a process that ends is followed by another, and so is the last one of a container', async (t) => {
    const bind = bindOf('restarts');
    const { place, act, staying, first } = await container([bind]);
    const agent = await agentUnder(t, direct, { args: everybody });
    await act('write', join(bind.target, 'file'), '1');
    assert.equal(
      (await volumesWith(agent, place, bind.target)).get(bind.target)?.values.get('size_bytes'),
      sizeBytes(),
    );
    const second = await staying('stay', '/');
    await first.end();
    assert.equal(
      (await volumesWith(agent, place, bind.target)).get(bind.target)?.values.get('size_bytes'),
      sizeBytes(),
    );
    await second.end();
    assert.equal((await volumesOf(agent, place)).get(bind.target)?.values.get('size_bytes'), undefined);
    // With mounts of its own, which are the same, and without a word about them.
    await place.workAs(writeProgram(), '-n', '-b', bind.source, bind.target, 'stay', '/');
    await until('its space', async () => {
      const shown = (await volumesOf(agent, place)).get(bind.target);
      return shown?.values.get('size_bytes') === sizeBytes() || undefined;
    });
  });

  test('of more mounts than there is place for the rest is counted', async (t) => {
    const binds = Array.from({ length: 300 }, (_, i) => bindOf(`many/${i}`));
    const { place } = await container(binds);
    const agent = await agentUnder(t, direct, { args: [...everybody, '--all-volumes'] });
    const shown = await volumesWith(agent, place, '/');
    // Of two at one mount point that on top is shown.
    assert.ok(shown.size > 240 && shown.size <= 256, `${shown.size} mounts`);
    assert.ok(sumOf(await agent.series(), 'node_agent_refused_volumes_total') >= 300 - 256);
  });
});
