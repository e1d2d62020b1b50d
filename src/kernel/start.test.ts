import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Reason } from '../../config/capabilities.ts';
import { Features, type FeatureState } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import { startCgroupEvents } from './cgroup-events.ts';
import type { Hierarchy } from './hierarchy.ts';
import { tcpLayouts } from './layouts.ts';
import { startTcp, type TcpOptions } from './tcp.ts';
import type { TcpProgram } from './tcp-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'start-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'kernel/btf'), { recursive: true });
writeFileSync(join(folder, 'kernel/btf/vmlinux'), '');
const paths: HostPaths = { proc: '/proc', sys: folder, root: '', cgroup: '/sys/fs/cgroup' };

interface Fake {
  readonly addon: Addon;
  readonly calls: string[];
  open: number;
}

/** An addon whose kernel refuses what `refuse` throws on: it hears `load <programs left out>` and `attach <program>`. */
function fakeAddon(refuse: (step: string) => void): Fake {
  const fake = { calls: [] as string[], open: 0, addon: undefined as unknown as Addon };
  const step = (text: string): void => {
    fake.calls.push(text);
    refuse(text);
  };
  const openObject = (): BpfObject => {
    const without: string[] = [];
    fake.open++;
    const object: Partial<BpfObject> = {
      setAutoload: (name, enabled) => void (enabled || without.push(name)),
      setMaxEntries: () => {},
      setInitial: () => {},
      load: async () => step(`load ${without.join()}`),
      attach: (name) => (step(`attach ${name}`), 1),
      update: () => step('update'),
      openRing: () => ({ close: () => {} }),
      readIterator: async () => Buffer.alloc(0),
      readMap: async () => Buffer.alloc(0),
      writeGlobal: (_, offset, bytes) =>
        fake.calls.push(`global ${offset} ${Buffer.from(bytes).readUInt32LE()}`),
      close: () => void fake.open--,
    };
    return object as BpfObject;
  };
  fake.addon = { openObject } as unknown as Addon;
  return fake;
}

const readObject = async (): Promise<Uint8Array> => new Uint8Array();
const hierarchy: Hierarchy = { version: 2, hierarchyId: 0, mountPoint: '/sys/fs/cgroup' };

const withoutCgroup2: TcpOptions = {
  cgroup2Root: undefined,
  hierarchy,
  hostNetnsInode: 0,
  ignoredPorts: new Uint8Array(8192),
};

async function tcp(
  addon: Addon | undefined,
  cgroup2Root: string | undefined = '/root',
  where: HostPaths = paths,
  more: Partial<TcpOptions> = {},
): Promise<{ program: TcpProgram | undefined; states: Record<string, FeatureState> }> {
  const features = new Features();
  const program = await startTcp(
    addon,
    readObject,
    { ...withoutCgroup2, cgroup2Root, ...more },
    where,
    features,
  );
  return { program, states: Object.fromEntries(features.all()) };
}

function failure(code: string, more: object = {}): Error {
  return Object.assign(new Error(code), { code, ...more });
}

test('reasons why nothing is counted', async () => {
  const off = (reason: Reason): FeatureState => ({ enabled: false, reason });
  const less = (reason: Reason): FeatureState => ({ enabled: true, reason });
  const none = fakeAddon(() => {});
  assert.deepEqual((await tcp(undefined)).states, {
    tcp: off('no_addon'),
    tcp_active: less('no_addon'),
    tcp_older: less('no_addon'),
  });
  assert.deepEqual((await tcp(none.addon, '/root', { ...paths, sys: '/nowhere' })).states, {
    tcp: off('no_kernel_config'),
    tcp_active: less('no_kernel_config'),
    tcp_older: less('no_kernel_config'),
  });
  for (const [error, reason] of [
    [failure('EPERM'), 'denied'],
    [failure('EACCES'), 'denied'],
    [failure('ENOSYS'), 'denied'],
    [failure('EACCES', { verifierLog: 'R1 invalid' }), 'kernel'],
    [failure('ENOENT'), 'kernel'],
    [new Error('without a code'), 'kernel'],
  ] as const) {
    const fake = fakeAddon(() => {
      throw error;
    });
    const { program, states } = await tcp(fake.addon);
    assert.equal(program, undefined);
    assert.deepEqual(states, { tcp_active: less(reason), tcp_older: less(reason), tcp: off(reason) });
    assert.equal(fake.open, 0, 'no object is left open');
  }
});

test('only what is told is tried', async () => {
  const fake = fakeAddon(() => {});
  const { program, states } = await tcp(fake.addon, '/root', paths, { source: 'procfs' });
  assert.equal(program, undefined);
  assert.deepEqual(states['tcp'], { enabled: false, reason: 'not_wanted' });
  assert.deepEqual(fake.calls, []);

  const forced = await tcp(fake.addon, '/root', paths, { source: 'raw_tp' });
  assert.equal(forced.program?.source, 'raw_tp');
  assert.deepEqual(forced.states['tcp'], { enabled: true, reason: '' });
});

test('without the root of cgroup v2 tracepoints count, and the reason is kept', async () => {
  const fake = fakeAddon(() => {});
  const told: string[] = [];
  const features = new Features((feature, _, detail) => told.push(`${feature}: ${detail}`));
  const program = await startTcp(fake.addon, readObject, withoutCgroup2, paths, features);
  assert.equal(program?.source, 'tp_btf');
  assert.deepEqual(features.get('tcp'), { enabled: true, reason: 'no_mount' });
  assert.match(told.join('\n'), /^tcp: by tp_btf; not by sockops: the root of the cgroup v2 tree/m);
  assert.deepEqual(
    fake.calls.filter((call) => call.startsWith('attach')),
    ['tcp_active', 'tcp_adopt', 'tcp_state', 'tcp_state_2', 'tcp_state_3', 'tcp_state_4', 'tcp_destroy'].map(
      (name) => `attach ${name}`,
    ),
  );
});

test('where one variant of an object is refused, the other is taken', async () => {
  let loads = 0;
  const fake = fakeAddon((step) => {
    if (step === 'load ' && ++loads === 1) throw failure('EINVAL', { verifierLog: 'reserved fields' });
  });
  const names: string[] = [];
  const options = { ...withoutCgroup2, source: 'raw_tp' as const };
  const read = async (name: string): Promise<Uint8Array> => {
    names.push(name);
    return new Uint8Array();
  };
  const program = await startTcp(fake.addon, read, options, paths, new Features());
  assert.deepEqual(names, ['tcp_raw_tp', 'tcp_raw_tp_plain']);
  assert.deepEqual([program?.walks, fake.open], [true, 1]);
});

test('what would count too little without its walk is not tried without', async () => {
  let loads = 0;
  const fake = fakeAddon((step) => {
    if (step.startsWith('load') && ++loads <= 2) throw failure('EACCES', { verifierLog: 'scalar' });
  });
  const program = await startTcp(fake.addon, readObject, withoutCgroup2, paths, new Features());
  assert.equal(program?.source, 'raw_tp');
  assert.deepEqual(
    fake.calls.filter((call) => call.startsWith('load')),
    ['load ', 'load tcp_adopt', 'load '],
  );
});

test('a kernel that cannot walk sockets still counts connects', async () => {
  const fake = fakeAddon((step) => {
    if (step !== 'load tcp_active,tcp_no_port,tcp_adopt' && step.startsWith('load'))
      throw failure('EINVAL', { verifierLog: 'unknown iterator' });
  });
  const { program, states } = await tcp(fake.addon);
  assert.deepEqual(states, {
    tcp_active: { enabled: true, reason: 'kernel' },
    tcp_older: { enabled: true, reason: 'kernel' },
    tcp: { enabled: true, reason: '' },
  });
  // Neither over the records nor over the open sockets.
  const tries = ['load ', 'load tcp_adopt', 'load tcp_active,tcp_no_port,tcp_adopt'];
  assert.deepEqual(fake.calls, [
    ...tries.slice(0, 2).flatMap((each) => [each, each, each]),
    tries[2],
    'update',
    'attach tcp_connects',
  ]);
  assert.deepEqual([(await program?.read())?.walk, (await program?.read())?.counts.length], [1, 0]);
});

test('every reading is a new walk', async () => {
  const fake = fakeAddon(() => {});
  const { program } = await tcp(fake.addon);
  fake.calls.length = 0;
  assert.deepEqual([(await program?.read())?.walk, (await program?.read())?.walk], [1, 2]);
  const at = tcpLayouts.bss.fields.walk.offset;
  assert.deepEqual(fake.calls, [`global ${at} 1`, `global ${at} 2`]);
});

test('cgroup events switch themselves off the same way', async () => {
  const features = new Features();
  const fake = fakeAddon((step) => {
    if (step === 'attach cgroup_rmdir') throw failure('EPERM');
  });
  const events = await startCgroupEvents(fake.addon, new Uint8Array(), hierarchy, paths, features, () => {});
  assert.equal(events, undefined);
  assert.deepEqual(features.get('cgroup_events'), { enabled: false, reason: 'denied' });
  assert.equal(fake.open, 0);
});
