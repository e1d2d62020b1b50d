import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { textReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import type { Translation } from './conntrack.ts';
import type { NatListeners } from './nat-listeners.ts';
import { natNamespaces } from './nat-namespaces.ts';

const translation: Translation = { own: Buffer.alloc(20), peer: Buffer.alloc(20), actual: Buffer.alloc(20) };

/** A procfs and a cgroup with processes, each in a namespace of its own, which is a file here. */
function stage(t: TestContext, pids: readonly number[], maxListening?: number) {
  const folder = mkdtempSync(join(tmpdir(), 'nat-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(`${folder}/x`);
  writeFileSync(`${folder}/x/cgroup.procs`, pids.map((pid) => `${pid}\n`).join(''));
  const namespaceOf = (pid: number): string => `${folder}/${pid}/ns/net`;
  for (const pid of pids) {
    mkdirSync(`${folder}/${pid}/ns`, { recursive: true });
    writeFileSync(namespaceOf(pid), '');
  }
  const cgroups = [{ id: 1, path: '/x' }];
  const container: ListedContainer = {
    id: 'x',
    labels: {},
    visible: true,
    cgroups,
    topCgroups: cgroups,
    activity: { runs: 0 },
    wasThere: true,
  };
  const asked: string[] = [];
  const open = new Set<string>();
  const translates = new Set<string>();
  const tracks = new Set<string>();
  const listeners: Pick<NatListeners, 'count' | 'translations' | 'open' | 'keep' | 'refusedNamespaces'> = {
    count: async (path) => {
      asked.push(path!);
      return tracks.has(path!) || translates.has(path!) ? 5 : 0;
    },
    translations: async (path) => (translates.has(path!) ? [translation] : []),
    open: async (path) => {
      open.add(path!);
      return () => open.delete(path!);
    },
    keep: () => {},
    refusedNamespaces: 0,
  };
  const clock = { ms: 0 };
  const namespaces = natNamespaces({
    listeners: listeners as NatListeners,
    containers: { all: () => [container] },
    mountPoint: folder,
    proc: folder,
    read: textReader(undefined),
    except: [statSync(namespaceOf(pids[0]!)).ino],
    nowMs: () => clock.ms,
    ...(maxListening === undefined ? {} : { maxListening }),
  });
  const follow = async (ms: number, worked = true): Promise<string[]> => {
    clock.ms = ms;
    if (worked) container.activity.runs++;
    await namespaces.follow();
    return asked.splice(0);
  };
  return { follow, listeners, namespaceOf, open, tracks, translates, folder };
}

test('who tracks nothing is asked seldom, who does not translate more seldom, the host never', async (t) => {
  const { follow, listeners, namespaceOf, open, tracks } = stage(t, [1, 2, 3]);
  const [quiet, tracking] = [namespaceOf(2), namespaceOf(3)];
  tracks.add(tracking);
  assert.deepEqual(await follow(0), [quiet, tracking]);
  assert.deepEqual(await follow(59_999), []);
  assert.deepEqual(await follow(60_001), [quiet]);
  assert.deepEqual(await follow(300_001), [quiet, tracking]);
  assert.equal(open.size, 0);
  assert.equal(listeners.refusedNamespaces, 0);
});

test('a container that did nothing is not looked at', async (t) => {
  const { follow } = stage(t, [1, 2]);
  assert.equal((await follow(0)).length, 1);
  assert.equal((await follow(1_000_000, false)).length, 0);
  assert.equal((await follow(1_000_000)).length, 1);
});

test('one that translates is listened in until its process is gone', async (t) => {
  const { follow, namespaceOf, open, translates, folder } = stage(t, [1, 2]);
  translates.add(namespaceOf(2));
  await follow(0);
  assert.deepEqual([...open], [namespaceOf(2)]);
  assert.deepEqual(await follow(1_000_000), []);
  rmSync(join(folder, '2'), { recursive: true });
  await follow(1_000_001);
  assert.equal(open.size, 0);
});

test('those without room are counted, and have room once another is gone', async (t) => {
  const { follow, listeners, namespaceOf, open, translates, folder } = stage(t, [1, 2, 3, 4], 2);
  for (const pid of [2, 3, 4]) translates.add(namespaceOf(pid));
  await follow(0);
  assert.equal(open.size, 2);
  assert.equal(listeners.refusedNamespaces, 1);
  rmSync(join(folder, '2'), { recursive: true });
  await follow(300_001);
  assert.deepEqual([...open], [namespaceOf(3), namespaceOf(4)]);
});
