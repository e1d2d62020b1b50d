/** The agent on a node, with the least rights: everything works, and each mount, namespace and file that goes takes what needs it. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, globSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { features, needsOf, type Feature } from '../../config/capabilities.ts';
import { isOlder } from '../../src/needs/lacks.ts';
import { cgroup2Root, skip } from '../kernel/machine.ts';
import { folder } from '../peers/peer.ts';
import { refusesWalks } from '../walks.ts';
import { bundle } from '../peers/peer.ts';
import { assertLost, look, type Said } from './machine.ts';
import { stage } from './stage.ts';

/** Where the agent shares the namespaces of pid 1: what nothing else there stands for, and nothing that is as good as root. */
const least = [
  ...new Set(
    (Object.keys(features) as Feature[])
      .flatMap((feature) => needsOf(feature))
      .filter(({ below }) => below === undefined || isOlder(release(), below))
      .filter(({ kind, or = [] }) => kind === 'capability' && !or.some((way) => way.kind === 'namespace'))
      .map(({ name }) => name)
      .filter((name) => name !== 'CAP_SYS_ADMIN'),
  ),
];
const withAdmin = [...least, 'CAP_SYS_ADMIN'];
let whole: Promise<Said> | undefined;
/** What the agent says with the least set; asked once. */
const lookWithLeast = (t: TestContext): Promise<Said> =>
  (whole ??= stage(t, least).then((launcher) => look(t, launcher)));
/** With the settings of the kernel as they are, what it refuses to everybody, and the journal that there may be. */
const everything = new Map([
  ...Object.entries(features).map(([feature, { needs }]) => {
    const isOff = needs.some(({ kind, name }) => kind === 'sysctl' && settingOf(name) === '0');
    return [feature, isOff ? '1 no_sysctl' : '1'] as const;
  }),
  ...(refusesWalks === false
    ? []
    : (['tcp_active', 'tcp_older'] as const).map((walk) => [walk, '1 kernel'] as const)),
  ['journal', globSync('/{run,var}/log/journal/*/*.journal').length > 0 ? '1' : '0 no_journal'] as const,
]);

/** Other namespaces than that of pid 1 want CAP_SYS_ADMIN: what goes on there is in a lesser way. */
const everythingOfTheNode = new Map([...everything, ['latency', '1 no_capability']]);

function settingOf(name: string): string | undefined {
  const file = `/proc/sys/${name.replaceAll('.', '/')}`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

test(
  'the least set of capabilities is enough for everything but pings from other namespaces',
  { skip },
  async (t) => {
    assert.deepEqual((await lookWithLeast(t)).states, everythingOfTheNode);
  },
);

test('CAP_SYS_ADMIN does as well where the list says so', { skip }, async (t) => {
  const others = new Set(
    Object.values(features)
      .flatMap(({ needs }) => needs)
      .filter(({ or = [] }) => or.some(({ name }) => name === 'CAP_SYS_ADMIN'))
      .map(({ name }) => name),
  );
  assert.ok(others.size > 0);
  const rest = withAdmin.filter((name) => !others.has(name));
  // What else wants one of them for something that CAP_SYS_ADMIN does not do.
  const lost = Object.entries(features)
    .filter(([, { needs }]) =>
      needs.some(({ kind, name, or }) => kind === 'capability' && others.has(name) && or === undefined),
    )
    .map(([feature]) => [feature as Feature, '0 no_capability'] as const);
  assert.deepEqual((await look(t, await stage(t, rest))).states, new Map([...everything, ...lost]));
});

for (const [kind, lost] of [
  ['net', ['host_view', 'node_net', 'cloud', 'nat']],
  ['uts', ['host_view']],
] as const)
  test(`a ${kind} namespace other than that of pid 1 wants CAP_SYS_ADMIN`, { skip }, async (t) => {
    const elsewhere = [`--${kind}`];
    const whole = await look(t, await stage(t, withAdmin, { elsewhere }));
    assert.deepEqual(whole.states, everything);
    const less = await look(t, await stage(t, least, { elsewhere }));
    assert.deepEqual(
      less.states,
      new Map([...everythingOfTheNode, ...lost.map((feature) => [feature, '1 no_capability'] as const)]),
    );
    for (const feature of lost) assert.match(less.lines.get(feature)![0]!.detail ?? '', /CAP_SYS_ADMIN/);
  });

test('a pid namespace of its own', { skip }, async (t) => {
  const whole = await look(t, await stage(t, withAdmin));
  // unshare(1) passes no signals on.
  const inside = `setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc "$@" & pid=$!
    trap 'kill -TERM $(cat /proc/$pid/task/$pid/children)' TERM
    wait $pid; wait $pid`;
  const less = await look(t, ['sh', '-c', inside, 'sh']);
  const lost = ['host_view', 'delays'].map((feature) => [feature, '1 no_namespace'] as const);
  assertLost(whole, less, new Map(lost));
});

test('no cgroup v2 tree', { skip }, async (t) => {
  const whole = await lookWithLeast(t);
  const less = await look(t, await stage(t, least, { mounts: `umount --lazy ${cgroup2Root}` }));
  assertLost(whole, less, new Map([['tcp', '1 no_mount']]));
});

test('no addon', { skip }, async (t) => {
  const whole = await lookWithLeast(t);
  const copy = join(await folder(t), 'dist');
  cpSync(dirname(bundle), copy, { recursive: true, filter: (path) => !path.endsWith('.node') });
  const less = await look(t, await stage(t, least), join(copy, 'agent.js'));
  const states = (Object.keys(features) as Feature[]).flatMap((feature) => {
    // A namespace that does as well is shared here.
    const need = needsOf(feature).find(
      ({ kind, name, or = [] }) =>
        kind === 'feature' && name === 'addon' && !or.some((way) => way.kind === 'namespace'),
    );
    return need === undefined ? [] : [[feature, `${need.lessens ? 1 : 0} no_addon`] as const];
  });
  assertLost(whole, less, new Map([...states, ['addon', '0 not_loadable']]));
});
