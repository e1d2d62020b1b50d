/** Connections and listening sockets that are older than the programs. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { TcpOptions } from '../../src/kernel/tcp.ts';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import {
  counted,
  forEachSource,
  makeCgroup,
  ownLoad,
  skip,
  startCounting,
  until,
  type Cgroup,
  type Counted,
  skipWalks,
} from './machine.ts';
import { serve, type TrafficServer } from './traffic.ts';

const port = '21790';
const many = Math.min(5000, Math.ceil(Number(process.env['TRUTH_CONNECTS'] ?? 20_000) / 8));
const own = ownLoad('older', '21791');

let server: Cgroup;
let serving: TrafficServer;

before(async () => {
  if (skip !== false) return;
  server = makeCgroup(`/system.slice/older-${process.pid}-server.service`);
  serving = await serve(server, port);
});

after(() => {
  serving?.kill();
  server?.remove();
});

/** Why this kernel cannot do it, once it said so. */
function lackOf(error: unknown): string | undefined {
  const message = String(error);
  return message.includes('socket_file_ops')
    ? 'needs the symbol socket_file_ops (CONFIG_KALLSYMS_ALL)'
    : undefined;
}

async function figures(program: TcpProgram): Promise<{ out: Counted | undefined; in: Counted | undefined }> {
  const found = await counted(program, [own.cgroup.id, server.id]);
  return {
    out: found.get(`${own.cgroup.id} 127.0.0.1:${port}`),
    in: found.get(`${server.id} <127.0.0.1:${port}`),
  };
}

async function expectOlder(options: Partial<TcpOptions>): Promise<string | undefined> {
  const hold = (count: number): Promise<ChildProcess> =>
    own.load.start('-c', own.cgroup.directory, 'hold', '127.0.0.1', port, String(count));
  const older = await hold(many);
  // What waits for accept() has no file yet, by which it could be found.
  await until('all are accepted', () => readdirSync(`/proc/${serving.pid}/fd`).length > many);
  let program: TcpProgram;
  try {
    program = await startCounting(options);
  } catch (error) {
    older.kill('SIGKILL');
    const lack = lackOf(error);
    if (lack === undefined) throw error;
    return lack;
  }
  try {
    const before = await figures(program);
    for (const side of ['out', 'in'] as const) {
      assert.deepEqual([before[side]?.successful, before[side]?.active], [many, many], side);
      assert.deepEqual([before[side]?.connectNs, before[side]?.bytesSent], [0, 0], 'nothing from before');
    }
    // What the old socket accepts now, and what becomes of the old connections.
    const newer = await hold(20);
    await until('new ones too', async () => (await figures(program)).in?.active === many + 20);
    assert.equal((await figures(program)).out?.successful, many + 20);
    await program.adopt();
    assert.equal((await figures(program)).in?.successful, many + 20, 'looking again adds nothing');
    older.kill('SIGKILL');
    await until('the old ones end', async () => (await figures(program)).out?.active === 20);
    newer.kill('SIGKILL');
    await until('all end', async () => {
      const { out, in: accepted } = await figures(program);
      return out?.active === 0 && accepted?.active === 0;
    });
  } finally {
    older.kill('SIGKILL');
    program.close();
  }
  return undefined;
}

forEachSource((source, lack) => {
  test('connections in both directions are found', { skip: lack }, async (t) => {
    const missing = await expectOlder({ source });
    if (missing !== undefined) t.skip(missing);
  });
});

test(
  'connections in both directions are found, with a map of the open sockets',
  { skip: skipWalks },
  async (t) => {
    const missing = await expectOlder({ walked: 'tcp_open' });
    if (missing !== undefined) t.skip(missing);
  },
);
