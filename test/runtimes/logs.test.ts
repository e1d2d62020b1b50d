/** What containers write, as their runtimes keep it: each message once, from the first line of those that start later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteSeen } from '../conformance/seen.ts';
import { skip, startRuntime, until, type Container } from '../nodes/runtimes/runtime.ts';
import { seriesOf } from '../peers/peer.ts';
import { proves } from '../proof.ts';

const messages = 'container_log_messages_total';
const each = Math.ceil(Number(process.env['TRUTH_CONNECTS'] ?? 5000) / 5);

/** As many messages of each kind, one of three lines, one longer than runtimes keep in one piece; then it stays. */
const script = `
i=0
long=x; for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do long=$long$long; done
while [ $i -lt ${each} ]; do
  i=$((i+1))
  echo "INFO request $i served"
  echo "ERROR cannot open file $i: permission denied" >&2
  echo "level=warn msg=\\"queue is full\\" depth=$i password=secret$i"
  echo '{"level":"error","message":"payment refused","order":'$i'}'
  echo "nothing special $i"
done
echo "ERROR it broke"
echo "	at first"
echo "	at second"
echo "CRITICAL long $long"
exec sleep 1000`;

interface Series {
  readonly level: string;
  readonly sample: string;
  readonly value: number;
}

/** Series of a container, by level and sample. */
function messagesOf(page: string, { knownAs }: Container): Series[] {
  noteSeen(page);
  const found: Series[] = [];
  for (const [key, value] of seriesOf(page)) {
    if (!key.startsWith(`${messages}{`) || !key.includes(`container_id="${knownAs}"`)) continue;
    assert.match(key, /source="stdout\/stderr"/);
    const [, level = ''] = /level="([^"]*)"/.exec(key) ?? [];
    const [, sample = ''] = /sample="((?:[^"\\]|\\.)*)"/.exec(key) ?? [];
    found.push({ level, sample, value });
  }
  return found;
}

const total = (series: readonly Series[]): number => series.reduce((sum, { value }) => sum + value, 0);

for (const name of ['docker', 'containerd'])
  test(`${name}: ${5 * each} messages, each once, in its pattern`, { skip }, async (t) => {
    const node = await startRuntime(t, name);
    const agent = await node.startAgent('--min-container-age', '0s');
    const writer = await node.run({ name: 'writer', command: ['/bin/sh', '-c', script] });
    const all = 5 * each + 2;
    let found: Series[] = [];
    const series = await until(
      'all messages',
      async () => {
        found = messagesOf(await agent.page(), writer);
        return total(found) >= all ? found : undefined;
      },
      30_000 + all / 5,
    ).catch((error: unknown) => assert.fail(`${String(error)}: ${total(found)} of ${all}`));
    const counts = series
      .map(({ level, sample, value }): [string, string, number] => [level, sample.slice(0, 40), value])
      .sort();
    assert.deepEqual(counts, [
      ['critical', `CRITICAL long ${'x'.repeat(26)}`, 1],
      ['error', 'ERROR cannot open file 1: permission den', each],
      ['error', 'ERROR it broke\\n\tat first\\n\tat second', 1],
      ['error', 'payment refused', each],
      ['info', '', each],
      ['unknown', '', each],
      ['warning', 'level=warn msg=\\"queue is full\\" depth=1', each],
    ]);
    assert.doesNotMatch(series.map(({ sample }) => sample).join('\n'), /secret1/, 'secrets are masked');
    proves(t, messages);
  });

test('docker: a container that was there is read from now on, also over its restart', { skip }, async (t) => {
  const node = await startRuntime(t, 'docker');
  const command = ['/bin/sh', '-c', 'while sleep 0.02; do echo "ERROR tick"; done'];
  const ticker = await node.run({ name: 'ticker', command });
  const lines = async (): Promise<number> =>
    (await node.exec('docker', 'logs', 'ticker')).split('\n').length - 1;
  const least = await lines();
  const agent = await node.startAgent('--min-container-age', '0s');
  await until(
    'the first of them',
    async () => total(messagesOf(await agent.page(), ticker)) > 0 || undefined,
  );
  const most = await lines();
  await node.exec('docker', 'restart', '--time', '0', 'ticker');
  await node.exec('docker', 'stop', '--time', '0', 'ticker');
  const written = await lines();
  let before = -1;
  const counted = await until('the last of them', async () => {
    const now = total(messagesOf(await agent.page(), ticker));
    return now === before ? now : void (before = now);
  });
  assert.ok(
    counted >= written - most && counted <= written - least,
    `${counted} of ${written}: ${least} to ${most}`,
  );
});
