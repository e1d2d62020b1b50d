/** Sockets that come and go while we walk over them harm neither the kernel nor the counts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { TcpOptions } from '../../src/kernel/tcp.ts';
import { counted, forEachSource, ownLoad, startCounting, until, skipWalks } from './machine.ts';

const port = '21705';
const each = Math.max(500, Number(process.env['TRUTH_CONNECTS'] ?? 20_000) / 4);
const own = ownLoad('walk', port);

/** Bits of what went wrong in the kernel since boot: 7, it has oopsed; 9, it has warned. */
const taint = (): number => Number(readFileSync('/proc/sys/kernel/tainted', 'utf8')) & ((1 << 7) | (1 << 9));

async function walkWhileTheyGo(options: Partial<TcpOptions>): Promise<void> {
  const before = taint();
  const program = await startCounting(options);
  try {
    const key = `${own.cgroup.id} 127.0.0.1:${port}`;
    let running = 4;
    const loads = Array.from({ length: running }, async () => {
      const made = await own.load.run('-c', own.cgroup.directory, 'connect', '127.0.0.1', port, String(each));
      running--;
      return made.established;
    });
    while (running > 0) await program.read();
    const established = (await Promise.all(loads)).reduce((sum, count) => sum + count, 0);
    await until('none is open', async () => (await counted(program, [own.cgroup.id])).get(key)?.active === 0);
    assert.equal((await counted(program, [own.cgroup.id])).get(key)?.successful, established);
  } finally {
    program.close();
  }
  assert.equal(taint(), before, 'the kernel has complained: see its log');
}

const name = 'connections that end while they are walked over';
forEachSource((source, lack) => {
  test(name, { skip: lack }, () => walkWhileTheyGo({ source }));
});
test(`${name}, in a map of the open sockets`, { skip: skipWalks }, () =>
  walkWhileTheyGo({ walked: 'tcp_open' }),
);
