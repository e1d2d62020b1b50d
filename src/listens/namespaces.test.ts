import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { address, link } from '../host/rtnetlink.fixture.ts';
import { RTM_GETADDR, RTM_GETLINK } from '../host/rtnetlink.ts';
import type { ListedContainer } from '../model/containers.ts';
import { namespaces, type Namespaces } from './namespaces.ts';

const folder = mkdtempSync(join(tmpdir(), 'namespaces-'));
after(() => rmSync(folder, { recursive: true }));

const container = { id: '/web' } as ListedContainer;
const links = Buffer.concat([
  link(1, 'lo', 0, [0n, 0n, 0n, 0n]),
  link(2, 'eth0', 6, [0n, 0n, 0n, 0n]),
  link(3, 'kube-ipvs0', 2, [0n, 0n, 0n, 0n]),
]);
const addresses = (last: number): Buffer =>
  Buffer.concat([
    address(1, [127, 0, 0, 1]),
    address(2, [10, 0, 0, last]),
    address(2, [10, 0, 0, last]),
    address(2, [169, 254, 0, 1]),
    address(2, [224, 0, 0, 1]),
    address(3, [10, 96, 0, 1]),
  ]);

interface Rig {
  readonly known: Namespaces;
  readonly dumped: (string | null)[];
  readonly proc: string;
  nowMs: number;
  last: number;
  fails: boolean;
}

/** Process 7 is in namespace 100, the agent in 50, pid 1 in 60. */
function rig(name: string, maxNamespaces?: number): Rig {
  const proc = join(folder, name);
  for (const [who, inode] of [
    ['self', 50],
    ['1', 60],
    ['7', 100],
  ] as const) {
    mkdirSync(join(proc, who, 'ns'), { recursive: true });
    symlinkSync(`net:[${inode}]`, join(proc, who, 'ns/net'));
  }
  const dumped: (string | null)[] = [];
  const it: Omit<Rig, 'known'> = { dumped, proc, nowMs: 0, last: 7, fails: false };
  const known = namespaces({
    addon: {
      netlinkDump: async (path, type) => {
        if (it.fails) throw new Error('EPERM');
        if (type === RTM_GETLINK) dumped.push(path);
        return type === RTM_GETADDR ? addresses(it.last) : links;
      },
    },
    view: {
      paths: { proc, sys: '', root: '', cgroup: '' },
      netNamespace: `${proc}/1/ns/net`,
      netNamespaceInode: 60,
    },
    pidsOf: async (containers) => containers.map(() => ['6', '7']),
    nowMs: () => it.nowMs,
    ...(maxNamespaces !== undefined && { maxNamespaces }),
  });
  return Object.assign(it, { known });
}

test('addresses are known after a look, and looked for again after a minute', async () => {
  const it = rig('looks');
  const { known, dumped, proc } = it;
  const ask = async (): Promise<readonly string[]> => {
    const found = known.of(100, container);
    await known.refresh();
    return found;
  };
  assert.deepEqual(await ask(), []);
  assert.deepEqual(
    await ask(),
    ['127.0.0.1', '10.0.0.7'],
    'neither link-local nor of an interface that is down',
  );
  it.last = 8;
  it.nowMs = 59_999;
  await ask();
  it.nowMs = 60_000;
  assert.deepEqual(await ask(), ['127.0.0.1', '10.0.0.7']);
  assert.deepEqual(await ask(), ['127.0.0.1', '10.0.0.8']);
  assert.deepEqual(dumped, [`${proc}/7/ns/net`, `${proc}/7/ns/net`]);
});

test('our own namespace and that of the host need no process of the container', async () => {
  const { known, dumped, proc } = rig('own');
  known.of(50, container);
  known.ofHost();
  await known.refresh();
  assert.deepEqual(dumped, [null, `${proc}/1/ns/net`]);
  assert.deepEqual(known.ofHost(), ['127.0.0.1', '10.0.0.7']);
});

test('what cannot be read any more is not known any more, and tried again soon', async () => {
  const it = rig('fails');
  const { known, proc } = it;
  const ask = async (atMs: number): Promise<number> => {
    it.nowMs = atMs;
    known.of(100, container);
    await known.refresh();
    return known.of(100, container).length;
  };
  assert.equal(await ask(0), 2);
  it.fails = true;
  assert.equal(await ask(60_000), 0);
  it.fails = false;
  assert.equal(await ask(64_999), 0);
  assert.equal(await ask(65_000), 2);
  unlinkSync(join(proc, '7/ns/net'));
  symlinkSync('net:[101]', join(proc, '7/ns/net'));
  assert.equal(await ask(125_000), 0, 'the process has gone elsewhere');
});

test('what nobody asks for is forgotten, and what finds no room is counted', async () => {
  const { known } = rig('bounds', 2);
  for (const inode of [100, 101, 102, 103]) known.of(inode, container);
  assert.equal(known.refused(), 2);
  await known.refresh();
  known.of(100, container);
  assert.equal(known.refused(), 0);
  await known.refresh();
  known.of(102, container);
  assert.equal(known.refused(), 0, 'there is room again');
});

test('no answer is waited for', async () => {
  const view = {
    paths: { proc: folder, sys: '', root: '', cgroup: '' },
    netNamespace: null,
    netNamespaceInode: 0,
  };
  const never = namespaces({
    addon: undefined,
    view,
    pidsOf: () => new Promise(() => {}),
    nowMs: () => 0,
  });
  never.of(100, container);
  void never.refresh();
  assert.deepEqual(never.of(100, container), []);
  assert.deepEqual(never.ofHost(), []);
});
