import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { TcpProgram } from '../../src/kernel/tcp.ts';
import {
  compileLoad,
  counted,
  makeCgroup,
  skip,
  startCounting,
  until,
  type Cgroup,
  type Load,
} from './machine.ts';

let load: Load;
let program: TcpProgram;
let cgroup: Cgroup;
let server: Server;
const accepted: Socket[] = [];

before(async () => {
  if (skip !== false) return;
  load = compileLoad();
  cgroup = makeCgroup(`/system.slice/active-${process.pid}.service`);
  program = await startCounting();
  server = createServer({ allowHalfOpen: true }, (socket) => accepted.push(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(() => {
  for (const socket of accepted) socket.destroy();
  server?.close();
  load?.close();
  program?.close();
  cgroup?.remove();
});

test('open connections are those that a file holds and nobody reset', { skip }, async () => {
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
  assert.equal((await counted(program, [cgroup.id])).get(key)?.successful, 42);
});
