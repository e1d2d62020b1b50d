/** What processes of containers say of them: real ones, in directories that stand for cgroups. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { textReader, type TextReader } from '../host/texts.ts';
import { loadAddon } from '../native/load.ts';
import { Directory } from './directory.ts';
import { Member } from './member.ts';
import type { Asking } from './asker.ts';
import { sandboxFinder, sandboxIdOf } from './sandbox.ts';
import { switchedOffBy, switchReader } from './switches.ts';

const clock = { now: () => 0, monotonic: () => 0 };
const addonOrNot = (() => {
  try {
    return loadAddon();
  } catch {
    return undefined;
  }
})();
const reader: TextReader = textReader(addonOrNot);

/** A process that sleeps in a cgroup, with these words and variables. */
async function cgroupWith(
  t: TestContext,
  path: string,
  env: Record<string, string>,
  argv0 = 'sleep',
  ...words: string[]
): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'processes-'));
  t.after(() => rm(root, { recursive: true }));
  const child = spawn('/bin/sh', ['-c', 'echo; read x', ...words], {
    env,
    argv0,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await mkdir(join(root, path), { recursive: true });
  await writeFile(join(root, path, 'cgroup.procs'), `${child.pid}\n`);
  return root;
}

test('a value with the word in it switches off, and nothing else does', () => {
  const of = (...lines: string[]): string[] => [...switchedOffBy(lines.join('\0'))];
  assert.deepEqual(of('COROOT_LOG_MONITORING=disabled', 'A=1'), ['logs']);
  assert.deepEqual(of('COROOT_EBPF_TRACES="disabled"', 'COROOT_EBPF_PROFILING=x-disabled\n'), [
    'traces',
    'profiles',
  ]);
  assert.deepEqual(of('COROOT_EBPF_TRACES=enabled', 'XCOROOT_LOG_MONITORING=disabled', 'disabled'), []);
  assert.deepEqual(of('__proto__=disabled', 'constructor=disabled', 'COROOT_disabled=1', ''), []);
});

for (const kib of [0, 100])
  test(
    `the environment of a real process, of ${kib} KiB more`,
    { skip: kib > 0 && addonOrNot === undefined && 'needs the addon' },
    async (t) => {
      const padding = { PADDING: 'x'.repeat(kib << 10) };
      const root = await cgroupWith(t, 'web', { COROOT_LOG_MONITORING: 'disabled', ...padding });
      const [web, named] = ['/web', '/named'].map((id) => new Member(id, 0, { clock, minAgeMs: 0 }));
      web!.began(1, '/web');
      const switches = switchReader({
        mountPoint: root,
        proc: '/proc',
        read: reader,
        looksMs: [0, 100, 1000, 5000],
      });
      t.after(() => switches.close());
      switches.look(web!);
      for (let i = 0; i < 500 && web!.switchedOff.size === 0; i++) await sleep(20);
      assert.deepEqual([...web!.switchedOff], ['logs']);
      // It turns out to be another one: what it said goes along, also what it says later.
      web!.populate(1, true);
      web!.becomes(named);
      assert.deepEqual([...named!.switchedOff], ['logs']);
    },
  );

test('a container whose processes cannot be seen has nothing switched off', async () => {
  const web = new Member('/web', 0, { clock, minAgeMs: 0 });
  web.began(1, '/gone');
  const failing = (): Promise<never> => Promise.reject(new Error('no'));
  for (const read of [reader, failing as TextReader]) {
    const switches = switchReader({ mountPoint: '/nowhere', proc: '/proc', read, looksMs: [0] });
    switches.look(web);
    await sleep(20);
    switches.close();
    assert.equal(web.switchedOff.size, 0);
  }
});

test('ten thousand containers that start at once are looked at in few calls', async () => {
  let calls = 0;
  const read: TextReader = async (paths) => {
    calls++;
    return paths.map((path) => (path.endsWith('procs') ? '7\n' : 'COROOT_EBPF_TRACES=disabled'));
  };
  const switches = switchReader({ mountPoint: '', proc: '', read, looksMs: [0] });
  const all = Array.from({ length: 10_000 }, (_, i) => {
    const member = new Member(`/${i}`, 0, { clock, minAgeMs: 0 });
    member.began(i, `/${i}`);
    switches.look(member);
    return member;
  });
  for (let i = 0; i < 500 && !all.at(-1)!.switchedOff.has('traces'); i++) await sleep(20);
  assert.ok(all.every(({ switchedOff }) => switchedOff.has('traces')));
  assert.ok(calls < 1000, `${calls}`);
});

const id64 = 'a1b2c3d4e5f6'.padEnd(64, '0');
const uid = '11111111-2222-3333-4444-555555555555';

test('gVisor by the words of its process', () => {
  assert.equal(sandboxIdOf(`runsc-sandbox\0--root=/x\0boot\0${id64}\0`), id64);
  assert.equal(sandboxIdOf(`/usr/local/bin/runsc\0boot\0${id64}`), id64);
  for (const line of [
    `runsc-gofer\0${id64}`,
    `notrunsc\0${id64}`,
    `runsc\0boot\0x${id64}`,
    'runsc\0boot',
    '',
    '\0',
  ])
    assert.equal(sandboxIdOf(line), undefined, line);
});

test('a pod of gVisor is its sandbox, by the names its runtime tells; other pods are not asked for', async (t) => {
  const path = `kubepods/burstable/pod${uid}`;
  const root = await cgroupWith(t, path, {}, 'runsc-sandbox', 'boot', id64);
  await mkdir(join(root, 'kubepods/burstable/pod2'), { recursive: true });
  await writeFile(join(root, 'kubepods/burstable/pod2/cgroup.procs'), '');
  const asked: Asking[] = [];
  const rules = { skipSystemServices: true, trackScopes: false, minAgeMs: 0, maxContainers: 10 };
  const directory = new Directory(rules, clock, {
    ask: (unnamed, asking) => {
      assert.deepEqual(unnamed, {
        runtimes: ['containerd', 'crio'],
        runtimeId: id64,
        place: { kind: 'sandbox' },
      });
      asked.push(asking);
    },
    findSandbox: sandboxFinder({ mountPoint: root, proc: '/proc', read: reader }),
  });
  directory.add(1, `/${path}`, 0);
  directory.add(2, '/kubepods/burstable/pod2', 0);
  for (const cgroup of [1, 2]) directory.populate(cgroup, true);
  for (let i = 0; i < 100 && asked.length === 0; i++) await sleep(20);
  asked[0]?.onNamed({ id: '/k8s/shop/web-0/sandbox', image: '' });
  assert.deepEqual(
    [...directory.all()].map(({ id, topCgroups }) => [id, topCgroups[0]?.path]),
    [['/k8s/shop/web-0/sandbox', `/${path}`]],
  );
  assert.deepEqual(
    [asked.length, directory.byCgroup(1)?.id, directory.byCgroup(2)],
    [1, '/k8s/shop/web-0/sandbox', undefined],
  );
});
