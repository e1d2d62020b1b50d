/** Connects that nobody answers: counted as failed once they are given up, as nothing before, however many there are. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compileC } from '../compile.ts';
import { forEachSource, makeCgroup, skip, until, type Cgroup, type Counted } from './machine.ts';
import { counting, type Whole } from './whole.ts';

const pending = Math.min(100_000, Number(process.env['TRUTH_CONNECTS'] ?? 20_000));
/** What a process may have open, and less than there are ports of its own for one address. */
const most = 16_000;
const port = '80';

/**
 * A network namespace whose other end takes what is sent for that of somebody else; `"$@"` is run in it. The kernel gives up
 * none by itself, also where it drops SYNs that are sent again because they are too many.
 */
const unanswered = `
  ip link add one type veth peer name other
  ip address add 10.8.7.1/24 dev one
  ip link set other up
  echo 127 > /proc/sys/net/ipv4/tcp_syn_retries
  ip link set one up
  for host in 11 12 13 14 15 16 17; do ip neigh add 10.8.7.$host lladdr 02:00:00:00:00:99 dev one nud permanent; done
  exec "$@"`;

const withoutVeth =
  spawnSync('unshare', ['--net', 'sh', '-ec', unanswered, 'sh', 'true'], { stdio: 'ignore' }).status === 0
    ? false
    : 'needs ip and veth';

let cgroup: Cgroup;

before(() => {
  if (skip === false) cgroup = makeCgroup(`/system.slice/pending-${process.pid}.service`);
});

after(() => cgroup?.remove());

/** One process for each address; resolves when all connects are under way. */
async function connect(): Promise<Map<string, { count: number; child: ChildProcess }>> {
  const program = compileC(join(import.meta.dirname, 'failures.c'));
  const groups = Math.max(2, Math.ceil(pending / most));
  const all = Array.from({ length: groups }, async (_, i) => {
    const address = `10.8.7.${11 + i}`;
    const count = Math.ceil(pending / groups);
    const command = [program, '-c', cgroup.directory, 'pending', address, port, String(count)];
    const args = ['--net', 'sh', '-ec', unanswered, 'sh', ...command];
    const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => assert.fail('no connects')),
    ]);
    return [`${address}:${port}`, { count, child }] as const;
  });
  return new Map(await Promise.all(all));
}

/** What is known of the cgroup, and what is nobody's: of a socket without a record the cgroup may be unknown. */
async function failed({ counted }: Whole): Promise<{ own: Map<string, Counted>; nobodys: number }> {
  const own = await counted([cgroup.id]);
  const others = [...(await counted([0])).values()];
  return { own, nobodys: others.reduce((sum, { allFailed }) => sum + allFailed, 0) };
}

async function expectPending(whole: Whole, source: string): Promise<string> {
  const before = await failed(whole);
  const groups = await connect();
  try {
    for (let reading = 0; reading < 3; reading++) {
      const { own } = await failed(whole);
      for (const [key, { allFailed, successful, active }] of own)
        assert.deepEqual([allFailed, successful, active], [0, 0, 0], key);
    }
    // One of them is killed.
    for (const [i, { child }] of [...groups.values()].entries())
      if (i === 0) child.kill('SIGKILL');
      else child.stdin!.end();
    await Promise.all([...groups.values()].map(({ child }) => once(child, 'exit')));
  } finally {
    for (const { child } of groups.values()) child.kill('SIGKILL');
  }
  const total = [...groups.values()].reduce((sum, { count }) => sum + count, 0);
  const of = ({ own }: { own: Map<string, Counted> }): number =>
    [...own.values()].reduce((sum, { allFailed }) => sum + allFailed, 0);
  await until('all are closed', async () => {
    const now = await failed(whole);
    return of(now) + now.nobodys - before.nobodys >= total;
  });
  const found = await failed(whole);
  const without = whole.refused()['tcp_sockets']!;
  if (without === 0)
    for (const [key, { count }] of groups)
      assert.equal(found.own.get(`${cgroup.id} ${key}`)?.allFailed, count, key);
  else assert.equal(source, 'raw_tp', 'where records have a table of their own');
  // What is nobody's has connects of the rest of the machine.
  assert.ok(of(found) <= total && of(found) >= total - without, `${of(found)} of ${total}`);
  for (const { successful, active } of found.own.values()) assert.deepEqual([successful, active], [0, 0]);
  assert.ok(found.own.size <= groups.size + 1, 'a place for each destination, and one for the others');
  return `${total} connects, ${of(found)} under their cgroup, ${found.nobodys - before.nobodys} nobody's, ${without} without a record`;
}

forEachSource((source, lack) => {
  test('connects without an answer', { skip: lack || withoutVeth }, (t) =>
    counting(t, source, {}, async (whole) => {
      t.diagnostic(await expectPending(whole, source));
    }),
  );
}, false);
