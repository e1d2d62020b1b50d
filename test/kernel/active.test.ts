import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import type { Addon } from '../../src/native/addon.ts';
import { connectionSource } from '../../src/tcp/source.ts';
import {
  addon,
  compileLoad,
  counted,
  forEachSource,
  hierarchy,
  makeCgroup,
  paths,
  skip,
  startCounting,
  until,
  type Cgroup,
  type Load,
  skipWalks,
} from './machine.ts';

let load: Load;
let cgroup: Cgroup;
let server: Server;
let accepted: Socket[] = [];

before(async () => {
  if (skip !== false) return;
  load = compileLoad();
  cgroup = makeCgroup(`/system.slice/active-${process.pid}.service`);
  server = createServer({ allowHalfOpen: true }, (socket) => accepted.push(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(() => {
  for (const socket of accepted) socket.destroy();
  server?.close();
  load?.close();
  cgroup?.remove();
});

async function expectOpen(program: Pick<TcpProgram, 'read'>, successful: number): Promise<void> {
  const port = String((server.address() as AddressInfo).port);
  const key = `${cgroup.id} 127.0.0.1:${port}`;
  const active = async (): Promise<number> => (await counted(program, [cgroup.id])).get(key)?.active ?? 0;
  const hold = (count: number, ...more: string[]): ReturnType<Load['start']> =>
    load.start('-c', cgroup.directory, ...more, 'hold', '127.0.0.1', port, String(count));

  const first = await hold(30);
  assert.equal(await active(), 30);
  assert.equal(await active(), 30, 'counting again adds nothing');
  const second = await hold(12, '-f');
  assert.equal(await active(), 42);
  await until('all are accepted', () => accepted.length === 42);

  for (const socket of accepted.slice(0, 5)) socket.end();
  assert.equal(await active(), 42, 'closed by the peer alone is open');
  for (const socket of accepted.slice(5, 12)) socket.resetAndDestroy();
  await until('7 resets', async () => (await active()) === 35);

  first.kill('SIGKILL');
  await once(first, 'exit');
  await until('the killed process is gone', async () => (await active()) === 12);
  second.stdin?.end();
  await once(second, 'exit');
  // What it sent and nobody took keeps its sockets in the kernel, in FIN_WAIT1, without a file.
  await until('nothing is left', async () => (await active()) === 0);
  assert.equal((await counted(program, [cgroup.id])).get(key)?.successful ?? 0, successful);
}

forEachSource((source, skip) => {
  test('open connections are those that a file holds and nobody reset', { skip }, async () => {
    const program = await startCounting({ source });
    try {
      await expectOpen(program, 42);
    } finally {
      program.close();
      forgetAccepted();
    }
  });
});

test('by sockops, a walk over a map of the open sockets tells the same', { skip: skipWalks }, async () => {
  const program = await startCounting({ walked: 'tcp_open' });
  try {
    await expectOpen(program, 42);
  } finally {
    program.close();
    forgetAccepted();
  }
});

test(
  'without the walk of the kernel, procfs tells the same and the kernel still counts',
  { skip },
  async () => {
    const counting = await startCounting({ walks: false });
    try {
      await expectOpen(byProcfs(counting), 42);
    } finally {
      counting.close();
      forgetAccepted();
    }
  },
);

for (const [name, asks] of [
  ['procfs alone tells the same', false],
  ['sock_diag alone tells the same', true],
] as const)
  test(name, { skip }, async () => {
    try {
      await expectOpen(byProcfs(undefined, asks ? addon() : undefined), 0);
    } finally {
      forgetAccepted();
    }
  });

function byProcfs(counting: TcpProgram | undefined, asked?: Addon): Pick<TcpProgram, 'read'> {
  const limits = { hostNetnsInode: 0, ignoredPorts: new Uint8Array(8192) };
  const deps = { proc: paths.proc, hierarchy, addon: asked, ...limits };
  const { program, sources } = connectionSource(counting, deps);
  assert.equal(sources.get('tcp_active'), 'procfs');
  return program;
}

function forgetAccepted(): void {
  for (const socket of accepted) socket.destroy();
  accepted = [];
}
