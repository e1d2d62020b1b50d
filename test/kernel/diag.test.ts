/** What connections carry, told by sock_diag alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { connectionSource } from '../../src/tcp/source.ts';
import { cgroupIds } from '../../src/tcp/procfs/processes.ts';
import { addon, counted, hierarchy, paths, skip, until } from './machine.ts';

const port = 21796;

test(
  'bytes of connections that were open at a look, not those from before the first',
  { skip },
  async (t) => {
    const accepted: Socket[] = [];
    const server = createServer((socket) => {
      accepted.push(socket);
      socket.on('data', (data) => {
        socket.write(data);
        socket.write(data);
      });
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    let got = 0;
    const open = async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1').on('data', (data) => (got += data.length));
      await once(socket, 'connect');
      return socket;
    };
    let sent = 0;
    const exchange = async (socket: Socket, bytes: number): Promise<void> => {
      const before = got;
      socket.write(Buffer.alloc(bytes));
      sent += bytes;
      await until('twice as much has come back', () => got === before + 2 * bytes);
    };

    const ignoredPorts = new Uint8Array(8192);
    const { program } = connectionSource(undefined, {
      proc: paths.proc,
      hierarchy,
      hostNetnsInode: 0,
      ignoredPorts,
      addon: addon(),
    });
    const cgroupId = cgroupIds(paths.proc, hierarchy)(process.pid);
    const look = async (): Promise<(number | undefined)[]> => {
      const found = (await counted(program, [cgroupId])).get(`${cgroupId} 127.0.0.1:${port}`);
      return [found?.bytesSent, found?.bytesReceived, found?.active, found?.successful];
    };

    const old = await open();
    await exchange(old, 5000);
    assert.deepEqual(await look(), [0, 0, 1, 0]);
    sent = 0;
    got = 0;
    const recent = await open();
    await exchange(recent, 70_000);
    await exchange(old, 300);
    assert.deepEqual(await look(), [sent, got, 2, 0]);
    await exchange(recent, 2);
    assert.deepEqual(await look(), [sent, got, 2, 0]);
    old.destroy();
    recent.destroy();
    for (const socket of accepted) socket.destroy();
    await until('none is open', async () => (await look())[2] === 0);
    assert.deepEqual(await look(), [sent, got, 0, 0], 'what was counted stays');
  },
);
