import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readObjectTypes } from '../../src/kernel/object-types.ts';
import type { BpfObject } from '../../src/native/addon.ts';
import { compileBpf } from '../compile.ts';
import * as machine from './machine.ts';
import { skip, type Cgroup, type Load, skipWalks } from './machine.ts';

const open = '21703';
const closed = '21798';
let load: Load;
let cgroup: Cgroup;
let elf: Uint8Array;

before(async () => {
  if (skip !== false) return;
  load = machine.compileLoad();
  cgroup = machine.makeCgroup(`/system.slice/neighbour-${process.pid}.service`);
  elf = readFileSync(compileBpf(join(import.meta.dirname, 'neighbour.bpf.c')));
  await load.start('serve', open);
});

after(() => {
  load?.close();
  cgroup?.remove();
});

async function startNeighbour(): Promise<BpfObject> {
  const object = machine.addon().openObject(elf, 'neighbour');
  await object.load();
  object.attach('neighbour', { cgroupPath: machine.cgroup2Root ?? '' });
  return object;
}

function global(object: BpfObject, name: string): number {
  const field = readObjectTypes(elf).layouts.get('.bss')?.fields[name];
  assert.ok(field);
  return Number(object.readGlobal('.bss', field.offset, field.size).readBigUInt64LE());
}

test('a reset that nobody tells us of ends a connection all the same', { skip: skipWalks }, async () => {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket.on('error', () => {})));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const program = await machine.startCounting();
  const neighbour = await startNeighbour();
  try {
    const port = String((server.address() as AddressInfo).port);
    const active = async (): Promise<number | undefined> =>
      (await machine.counted(program, [cgroup.id])).get(`${cgroup.id} 127.0.0.1:${port}`)?.active;
    await load.start('-c', cgroup.directory, 'hold', '127.0.0.1', port, '5');
    await machine.until('all are accepted', () => accepted.length === 5);
    assert.equal(await active(), 5);
    for (const socket of accepted.slice(0, 2)) socket.resetAndDestroy();
    await machine.until('two are reset', async () => (await active()) === 3);
  } finally {
    for (const socket of accepted) socket.destroy();
    server.close();
    neighbour.close();
    program.close();
  }
});

for (const order of ['before', 'after'] as const) {
  test(`a careless program attached ${order} ours costs neither side anything`, { skip }, async () => {
    const early = order === 'before' ? await startNeighbour() : undefined;
    const program = await machine.startCounting();
    const neighbour = early ?? (await startNeighbour());
    try {
      const made = await load.run('-c', cgroup.directory, 'connect', '127.0.0.1', open, '2000');
      const failed = await load.run('-c', cgroup.directory, 'connect', '::1', closed, '2000');
      assert.deepEqual([made.established, failed.refused], [2000, 2000]);
      const found = await machine.counted(program, [cgroup.id]);
      assert.equal(found.get(`${cgroup.id} 127.0.0.1:${open}`)?.successful, 2000);
      assert.equal(found.get(`${cgroup.id} [::1]:${closed}`)?.allFailed, 2000);
      assert.ok(global(neighbour, 'connects') >= 4000);
      assert.ok(global(neighbour, 'kept') >= 2000);
    } finally {
      neighbour.close();
      program.close();
    }
  });
}
