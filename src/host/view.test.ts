import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Features } from '../features.ts';
import type { Addon } from '../native/addon.ts';
import { readIdentity } from './identity.ts';
import { hostView, type HostView } from './view.ts';

/** A directory with these files, removed after the test. */
function tree(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'view-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function look(proc: string): { view: HostView; reason: string | undefined; detail: string } {
  let detail = '';
  const features = new Features((_, __, text) => (detail = text));
  const view = hostView({ proc, sys: '/sys', cgroupfsRoot: '/sys/fs/cgroup', features });
  assert.equal(features.get('host_view')?.enabled, true);
  return { view, reason: features.get('host_view')?.reason, detail };
}

test('through pid 1 where all of it is visible', (t) => {
  const proc = tree(t, { '1/root/x': '', '1/ns/net': '', '1/ns/uts': '', 'self/ns/net': '' });
  const { view, reason } = look(proc);
  assert.deepEqual(view, {
    paths: { proc, sys: '/sys', root: `${proc}/1/root`, cgroup: '/sys/fs/cgroup' },
    netNamespace: `${proc}/1/ns/net`,
    utsNamespace: `${proc}/1/ns/uts`,
    sharesNetwork: false,
    netNamespaceInode: statSync(`${proc}/1/ns/net`).ino,
  });
  assert.equal(reason, '');
});

test('a namespace that is our own need not be entered, another may not be without rights', (t) => {
  const withoutRights = { 'self/status': 'Name:\tx\nCapEff:\t0000000000001000\n' };
  const files = { '1/root/x': '', '1/ns/net': '', '1/ns/uts': '', 'self/ns/uts': '', ...withoutRights };
  const proc = tree(t, files);
  linkSync(join(proc, '1/ns/net'), join(proc, 'self/ns/net'));
  const { view, reason, detail } = look(proc);
  assert.deepEqual([view.netNamespace, view.sharesNetwork, view.utsNamespace], [null, true, null]);
  assert.equal(view.netNamespaceInode, statSync(join(proc, '1/ns/net')).ino);
  assert.equal(reason, 'own_view');
  assert.equal(detail, 'not visible through pid 1: ns/uts (may not be entered)');
});

test('an agent that is pid 1 itself does not take its own files for the host', (t) => {
  const proc = tree(t, { '1/root/x': '', '1/ns/net': '', '1/ns/uts': '' });
  symlinkSync('1', join(proc, 'self'));
  const { reason, detail } = look(proc);
  assert.equal(reason, 'own_view');
  assert.equal(detail, 'not visible through pid 1: ns/pid (pid 1 is this agent)');
});

test('each part by itself through our own eyes, and said so', (t) => {
  const proc = tree(t, { '1/root/x': '', '1/ns/uts': '', 'self/ns/net': '' });
  const { view, reason, detail } = look(proc);
  assert.deepEqual(
    [view.paths.root, view.netNamespace, view.utsNamespace, view.netNamespaceInode],
    [`${proc}/1/root`, null, `${proc}/1/ns/uts`, statSync(`${proc}/self/ns/net`).ino],
  );
  assert.equal(reason, 'own_view');
  assert.match(detail, /^not visible through pid 1: ns\/net \(ENOENT.*\)$/);
});

test('nothing there is our own view with an unknown inode', (t) => {
  const { view } = look(tree(t, {}));
  assert.deepEqual([view.paths.root, view.netNamespace, view.netNamespaceInode], ['', null, 0]);
});

const etc = 'etc/machine-id';
const dbus = 'var/lib/dbus/machine-id';
const dmi = 'sys/devices/virtual/dmi/id/product_uuid';

function viewOf(root: string, utsNamespace: string | null = null): HostView {
  const paths = { proc: '/proc', sys: '/sys', root, cgroup: '/sys/fs/cgroup' };
  return { paths, netNamespace: null, utsNamespace, netNamespaceInode: 0 };
}

test('the machine id is the first that can be read, without dashes; the firmware id is kept as it is', async (t) => {
  const cases: readonly [files: Record<string, string>, machineId: string, systemUuid: string][] = [
    [{ [etc]: 'aaaa-1\n', [dbus]: 'bbbb\n', [dmi]: 'CC-DD\n' }, 'aaaa1', 'CC-DD'],
    [{ [dbus]: 'bbbb\n', [dmi]: 'CC-DD\n' }, 'bbbb', 'CC-DD'],
    [{ [etc]: '\n', [dmi]: ' CC-DD \n' }, 'CCDD', 'CC-DD'],
    [{ [etc]: 'x'.repeat(10_000), [dbus]: 'bbbb' }, 'bbbb', ''],
    [{ [`${etc}/directory`]: '' }, '', ''],
    [{}, '', ''],
  ];
  for (const [files, machineId, systemUuid] of cases) {
    const identity = await readIdentity(viewOf(tree(t, files)), undefined);
    assert.deepEqual(identity, { machineId, systemUuid, hostName: hostname(), kernelRelease: release() });
  }
});

test('the name is that of the host, else ours', async (t) => {
  const root = tree(t, {});
  const names = async (works: (namespace: string | null) => boolean): Promise<string[]> => {
    const utsname = async (namespace: string | null): ReturnType<Addon['utsname']> => {
      if (!works(namespace)) throw new Error('setns: not allowed');
      return { nodename: `name of ${namespace}`, release: '6.1.0-test', machine: 'x86_64' };
    };
    const identity = await readIdentity(viewOf(root, '/proc/1/ns/uts'), { utsname } as unknown as Addon);
    return [identity.hostName, identity.kernelRelease];
  };
  assert.deepEqual(await names(() => true), ['name of /proc/1/ns/uts', '6.1.0-test']);
  assert.deepEqual(await names((namespace) => namespace === null), ['name of null', '6.1.0-test']);
  assert.deepEqual(await names(() => false), [hostname(), release()]);
});
