/** Who is who, on the page of the whole agent: captured trees of cgroups, and runtimes that answer for them. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Machine } from '../../src/agent.ts';
import { noteSeen } from '../conformance/seen.ts';
import { proves } from '../proof.ts';
import { examples, uid, ofPod, type Example, type Said } from './identity-examples.ts';
import { answerFor, idOf, machineWith, write } from './identity-machine.ts';
import { captured, run } from './rig.ts';

const family = 'container_resources_memory_rss_bytes';
const line = /^(\w+)(?:\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? \S+$/;

/** Memory by `container_id` as it is written; every line of the page is one of the text format. */
async function idsOn(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  noteSeen(text);
  const found = new Map<string, number>();
  for (const each of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name, labels = ''] = line.exec(each) ?? [];
    assert.notEqual(name, undefined, each);
    const id = /(?:^|,)container_id="((?:[^"\\]|\\.)*)"/.exec(labels)?.[1];
    if (name === family) found.set(id ?? '', Number(each.slice(each.lastIndexOf(' '))));
  }
  return found;
}

const everybody = ['--min-container-age', '0s'];

for (const kind of ['v2', 'v1', 'hybrid'] as const)
  test(`${kind}: every example is who it is, on the page`, async (t) => {
    const host = await machineWith(t, kind, examples);
    await answerFor(t, host, examples);
    const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, ...everybody]);
    const expected = examples.map(({ id }) => id).filter((id) => id !== null);
    assert.deepEqual([...(await idsOn(agent.url)).keys()].sort(), [...new Set(expected)].sort());
  });

test('a pod of the memory hierarchy is that pod, whatever the v2 tree says', async (t) => {
  const host = await machineWith(t, 'hybrid', []);
  const says = ofPod('web-0', 'nginx');
  await answerFor(t, host, [{ path: '', by: 'containerd', says, id: null }]);
  for (const tree of ['memory', 'cpu,cpuacct']) {
    const directory = join(host.cgroup, tree, `kubepods/burstable/pod${uid}/${idOf(0)}`);
    await write(join(directory, 'memory.stat'), 'total_rss 1\ntotal_mapped_file 0\n');
    await write(join(directory, 'cgroup.procs'), '100\n');
  }
  await write(join(host.cgroup, 'unified/reserved.slice/containerd.service/cgroup.procs'), '100\n');
  const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, ...everybody]);
  assert.deepEqual([...(await idsOn(agent.url)).keys()], ['/k8s/shop/web-0/nginx']);
});

const raw = (bytes: string): Buffer => Buffer.from(`{"Name":"${bytes}"}`, 'latin1');
const hostile: readonly Said[] = [
  { name: '/a\nb' },
  { name: '/a"} 1\nup{x="' },
  { name: `/${'x'.repeat(10_000)}` },
  { name: '/../../etc' },
  { name: '/a/b' },
  { name: '/~other' },
  { name: '/a\\' },
  raw('a\xff\xfe'),
  raw('\xc0\xaf'),
  raw('a\\u0000b'),
  raw('\\ud800'),
];

test('names that are none inject nothing and own nothing: those containers have their short ids', async (t) => {
  const all = [
    ...hostile.map((says): Example => ({ path: '/docker/<64>', by: 'docker', says, id: null })),
    { path: '/system.slice/a"b.service', id: null },
    { path: '/system.slice/a\nb 1.service', id: null },
    { path: `/system.slice/${'y'.repeat(240)}.service`, id: null },
  ];
  const host = await machineWith(t, 'v2', all);
  await answerFor(t, host, all);
  await mkdir(Buffer.concat([Buffer.from(`${host.cgroup}/system.slice/`), Buffer.from([0xff, 0xfe])]));
  let laterMs = 0;
  const bare = captured(host);
  const machine: Machine = {
    ...bare,
    clock: { ...bare.clock, monotonic: () => performance.now() + laterMs },
  };
  const agent = await run(t, machine, ['--cgroupfs-root', host.cgroup, ...everybody]);
  const units = [
    '/system.slice/a\\"b.service',
    '/system.slice/a\\nb 1.service',
    `/system.slice/${'y'.repeat(240)}.service`,
  ];
  assert.deepEqual([...(await idsOn(agent.url)).keys()].sort(), [...units].sort());
  laterMs = 11_000;
  const shortIds = hostile.map((_, i) => `/docker/${idOf(i).slice(0, 12)}`);
  assert.deepEqual([...(await idsOn(agent.url)).keys()].sort(), [...units, ...shortIds].sort());
});

test('two containers with one name are one, with the figures of both', async (t) => {
  const twin: Example = { path: '/docker/<64>', by: 'docker', says: { name: '/twin' }, id: '/docker/twin' };
  const all = [{ ...twin, path: '/docker/none' }, twin, twin, twin];
  const host = await machineWith(t, 'v2', all);
  await answerFor(t, host, all);
  const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, ...everybody]);
  assert.deepEqual(Object.fromEntries(await idsOn(agent.url)), { '/docker/twin': 1 + 2 + 3 });
});

test('scopes of the system are on the page when asked for', async (t) => {
  proves(t, '--track-scopes');
  const all: Example[] = [
    { path: '/system.slice/run-r0123abcd.scope', id: null },
    { path: '/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt', id: null },
  ];
  const host = await machineWith(t, 'v2', all);
  const agent = await run(t, captured(host), [
    '--cgroupfs-root',
    host.cgroup,
    '--track-scopes',
    ...everybody,
  ]);
  assert.deepEqual([...(await idsOn(agent.url)).keys()].sort(), [
    '/scope/machine-qemu-1-vm',
    '/scope/run-r0123abcd',
  ]);
});

test('beyond --max-containers the others are summed, and said how many they are', async (t) => {
  proves(t, '--max-containers');
  const all = Array.from({ length: 12 }, (_, i): Example => ({
    path: `/system.slice/u${i}.service`,
    id: null,
  }));
  const host = await machineWith(t, 'v2', all);
  const agent = await run(t, captured(host), [
    '--cgroupfs-root',
    host.cgroup,
    '--max-containers',
    '4',
    ...everybody,
  ]);
  const ids = await idsOn(agent.url);
  assert.equal(ids.size, 5);
  const sum = [...ids.values()].reduce((one, other) => one + other);
  assert.equal(
    sum,
    all.reduce((total, _, i) => total + i, 0),
  );
  const text = await (await fetch(`${agent.url}/metrics`)).text();
  assert.match(text, /^node_agent_folded_containers\{[^}]*\} 8$/m);
  assert.match(text, /^node_agent_containers\{[^}]*\} 4$/m);
  assert.doesNotMatch(text, /container_restarts_total\{[^}]*~other/);
});

test('what is too young is counted', async (t) => {
  const all = Array.from({ length: 3 }, (_, i): Example => ({
    path: `/system.slice/u${i}.service`,
    id: null,
  }));
  const host = await machineWith(t, 'v2', all);
  const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, '--min-container-age', '1h']);
  const text = await (await fetch(`${agent.url}/metrics`)).text();
  assert.match(text, /^node_agent_hidden_containers\{[^}]*reason="too_young"[^}]*\} 3$/m);
  assert.equal((await idsOn(agent.url)).size, 0);
});
