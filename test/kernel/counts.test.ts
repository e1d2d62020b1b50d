import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import {
  compileLoad,
  counted,
  forEachSource,
  makeCgroup,
  skip,
  startCounting,
  type Cgroup,
  type Load,
} from './machine.ts';

/** Established connects in all; a tenth as many are refused on top. */
const connects = Number(process.env['TRUTH_CONNECTS'] ?? 100_000);
const open = '21700';
const closed = '21799';

const clients = [
  { cgroup: `/system.slice/truth-${process.pid}.service`, address: '127.0.0.1', shown: '127.0.0.1' },
  { cgroup: `/system.slice/truth-${process.pid}.service`, address: '::1', shown: '[::1]' },
  { cgroup: `/podruntime/truth-${process.pid}`, address: '127.0.0.1', shown: '127.0.0.1' },
  { cgroup: `/podruntime/truth-${process.pid}`, address: '::ffff:127.0.0.1', shown: '127.0.0.1' },
];

let load: Load;
const cgroups = new Map<string, Cgroup>();

before(async () => {
  if (skip !== false) return;
  load = compileLoad();
  for (const { cgroup } of clients) cgroups.set(cgroup, cgroups.get(cgroup) ?? makeCgroup(cgroup));
  await load.start('serve', open);
});

after(() => {
  load?.close();
  for (const cgroup of cgroups.values()) cgroup.remove();
});

async function expectExact(program: TcpProgram): Promise<void> {
  const expected = new Map<string, [successful: number, failed: number]>();
  const runs = clients.map(async ({ cgroup, address, shown }) => {
    const { directory, id } = cgroups.get(cgroup)!;
    const each = String(Math.ceil(connects / clients.length));
    const some = String(Math.ceil(connects / clients.length / 10));
    const made = await load.run('-c', directory, 'connect', address, open, each);
    const failed = await load.run('-c', directory, 'connect', address, closed, some);
    assert.deepEqual([made.other, failed.other], [0, 0]);
    for (const [port, result] of [[open, made] as const, [closed, failed] as const]) {
      const key = `${id} ${shown}:${port}`;
      const [successful, refused] = expected.get(key) ?? [0, 0];
      expected.set(key, [successful + result.established, refused + result.refused]);
    }
  });
  await Promise.all(runs);

  const ids = [...cgroups.values()].map(({ id }) => id);
  const found = [...(await counted(program, ids))].map(
    ([key, { successful, allFailed }]) => [key, [successful, allFailed]] as const,
  );
  assert.deepEqual(new Map(found.sort()), new Map([...expected].sort()));
  assert.ok([...expected.values()].reduce((sum, [successful]) => sum + successful, 0) >= connects);
}

/** Of each program. */
function skippedRuns(program: TcpProgram): string {
  const { object, programs } = program.figures();
  return programs.map((name) => `${name} ${object.programInfo(name).recursionMisses}`).join(', ');
}

forEachSource((source, skip) => {
  test('connects from several processes and cgroups are counted exactly', { skip }, async (t) => {
    const program = await startCounting({ source });
    try {
      await expectExact(program);
      t.diagnostic(`runs that the kernel skipped: ${skippedRuns(program)}`);
    } finally {
      program.close();
    }
  });
}, false);
