import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { textReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import { viewer } from './views.ts';

interface Process {
  readonly mountPoint: string;
  readonly namespace?: string;
  readonly root?: string;
  readonly stat?: string;
}

/** Processes of one container by pid, as procfs has them. */
function look(t: TestContext, processes: Readonly<Record<string, Process>>, gone: readonly number[] = []) {
  const proc = mkdtempSync(join(tmpdir(), 'views-'));
  t.after(() => rmSync(proc, { recursive: true }));
  const read: string[] = [];
  for (const [pid, { mountPoint, namespace, root, stat }] of Object.entries(processes)) {
    mkdirSync(join(proc, pid, 'ns'), { recursive: true });
    writeFileSync(
      join(proc, pid, 'stat'),
      stat ?? `${pid} (a) b) S ${'1 '.repeat(18)}${Number(pid) * 10} 0\n`,
    );
    writeFileSync(join(proc, pid, 'mountinfo'), `1 0 8:1 / ${mountPoint} rw - ext4 d rw\n`);
    if (namespace !== undefined) symlinkSync(namespace, join(proc, pid, 'ns/mnt'));
    if (root !== undefined) symlinkSync(root, join(proc, pid, 'root'));
  }
  mkdirSync(join(proc, 'cgroup/a'), { recursive: true });
  writeFileSync(join(proc, 'cgroup/a/cgroup.procs'), [...gone, ...Object.keys(processes)].join('\n'));
  const texts = textReader(undefined);
  const readMounts = (paths: readonly string[]): ReturnType<typeof texts> => {
    read.push(...paths);
    return texts(paths);
  };
  const container = { cgroups: [{ id: 1, path: '/a' }] } as unknown as ListedContainer;
  const views = viewer({ mountPoint: join(proc, 'cgroup'), proc, read: texts, readMounts });
  return { ask: (times = 1) => views(Array.from({ length: times }, () => container)), read };
}

test('a process that lives, when it started and what it sees', async (t) => {
  const { ask } = look(t, { 7: { mountPoint: '/data' } }, [5, 6]);
  const [view] = await ask();
  assert.deepEqual([view?.pid, view?.startTicks, view?.mounts[0]?.mountPoint], [7, 70, '/data']);
});

test('whoever has changed its root is asked last', async (t) => {
  const { ask } = look(t, {
    7: { mountPoint: '/in', root: '/var/empty' },
    8: { mountPoint: '/data', root: '/' },
  });
  assert.equal((await ask())[0]?.pid, 8);
});

test('a table that many share is read once', async (t) => {
  const { ask, read } = look(t, { 7: { mountPoint: '/data', namespace: 'mnt:[1]', root: '/' } });
  assert.equal((await ask(100)).length, 100);
  assert.equal(read.length, 1);
});

test('without a process, or one that tells what it is, there is none', async (t) => {
  assert.deepEqual(await look(t, {}, [5, 6]).ask(), [undefined]);
  for (const stat of ['', '7 (a', '7 (a) S 1 2', `7 (a) S ${'1 '.repeat(18)}x 0`])
    assert.deepEqual(await look(t, { 7: { mountPoint: '/data', stat } }).ask(), [undefined], stat);
});
