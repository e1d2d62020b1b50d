/** Interfaces, as ip(8) tells them at the same moment: by rtnetlink in another network namespace, and without the addon. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { assetPath } from '../../src/assets.ts';
import { Features } from '../../src/features.ts';
import type { Addon } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/load.ts';
import { interfaceSource, netCollector } from '../../src/node/net.ts';
import { SnapshotMeter } from '../../src/telemetry/meter.ts';
import { proves } from '../proof.ts';

const noRoot = process.getuid?.() === 0 ? false : 'needs root';
const noAddon = existsSync(assetPath('addon.node')) ? noRoot : 'needs the addon';

/** Values by `name interface=... ip=...`. */
type Figures = ReadonlyMap<string, number>;

interface Seen {
  readonly figures: Figures;
  /** Of the feature `node_net`. */
  readonly reason: string | undefined;
}

/** What the agent shows, looking into `netNamespace`. */
function agent(addon: Addon | undefined, netNamespace: string | null): () => Promise<Seen> {
  const paths = { proc: '/proc', sys: '/sys', root: '', cgroup: '/sys/fs/cgroup' };
  const view = { paths, netNamespace, utsNamespace: null, netNamespaceInode: 0 };
  const features = new Features();
  const meter = new SnapshotMeter();
  const collector = netCollector(meter, interfaceSource(view, addon, features));
  meter.addBatchObservableCallback((result) => collector.collect(result), collector.instruments);
  return async () => {
    const { metrics, errors } = await meter.collect();
    assert.deepEqual(errors, []);
    const figures = metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }): [string, number] => {
        const labels = Object.entries(attributes).map(([label, text]) => ` ${label}=${String(text)}`);
        return [descriptor.name + labels.join(''), value as number];
      }),
    );
    return { figures: new Map(figures), reason: features.get('node_net')?.reason };
  };
}

interface IpLink {
  readonly ifname: string;
  readonly operstate: string;
  readonly addr_info: readonly { readonly local: string; readonly scope: string }[];
  readonly stats64: Readonly<Record<'rx' | 'tx', { readonly bytes: number; readonly packets: number }>>;
}

/** What ip(8) says in the network namespace of a process. */
function truth(pid: number): Figures {
  const command = [`--net=/proc/${pid}/ns/net`, 'ip', '-j', '-s', 'address'];
  const found = new Map<string, number>();
  for (const link of JSON.parse(execFileSync('nsenter', command, { encoding: 'utf8' })) as IpLink[]) {
    const { ifname, operstate, addr_info, stats64 } = link;
    if (!/^(eth|en|em|br|bond|vmbr)/.test(ifname)) continue;
    const put = (name: string, value: number): unknown =>
      found.set(`node_net_${name} interface=${ifname}`, value);
    put('received_bytes_total', stats64.rx.bytes);
    put('received_packets_total', stats64.rx.packets);
    put('transmitted_bytes_total', stats64.tx.bytes);
    put('transmitted_packets_total', stats64.tx.packets);
    put('interface_up', operstate === 'UP' ? 1 : 0);
    for (const { local, scope } of addr_info) {
      if (scope !== 'link') found.set(`node_net_interface_ip interface=${ifname} ip=${local}`, 1);
    }
  }
  return found;
}

/** Exactly the series of the truth, each between its value just before and just after. */
async function assertTrue(look: () => Promise<Seen>, pid: number): Promise<Seen> {
  const before = truth(pid);
  const seen = await look();
  const after = truth(pid);
  assert.deepEqual([...seen.figures.keys()].sort(), [...before.keys()].sort());
  for (const [series, value] of seen.figures) {
    const [low, high] = [before.get(series)!, after.get(series)!];
    assert.ok(low <= value && value <= high, `${series}: ${low} <= ${value} <= ${high}`);
  }
  return seen;
}

/** A namespace with two pairs of interfaces, one of them down, and a datagram on its way through the other. */
async function otherNamespace(t: TestContext): Promise<number> {
  const script = `set -e
    ip link add eth7 type veth peer name eth8
    ip link add ens9 type veth peer name hidden0
    ip address add 203.0.113.9/24 dev eth7
    ip address add 2001:db8::9/64 dev eth7 nodad
    ip link set eth7 up
    ip link set eth8 up
    ip neighbour add 203.0.113.10 lladdr 02:00:00:00:00:0a dev eth7
    echo datagram >/dev/udp/203.0.113.10/9
    echo ready
    exec sleep 60`;
  const child = spawn('unshare', ['--net', 'bash', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const [output] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as unknown[];
  assert.equal(String(output), 'ready\n');
  return child.pid!;
}

test('by rtnetlink in another namespace', { skip: noAddon }, async (t) => {
  const pid = await otherNamespace(t);
  const { figures, reason } = await assertTrue(agent(loadAddon(), `/proc/${pid}/ns/net`), pid);
  assert.equal(reason, '');
  assert.equal(figures.get('node_net_interface_up interface=eth7'), 1);
  assert.equal(figures.get('node_net_interface_up interface=ens9'), 0);
  assert.equal(figures.get('node_net_interface_ip interface=eth7 ip=203.0.113.9'), 1);
  assert.equal(figures.get('node_net_interface_ip interface=eth7 ip=2001:db8::9'), 1);
  // Of Ethernet 14 bytes, IP 20, UDP 8, the text 9.
  assert.ok(figures.get('node_net_transmitted_bytes_total interface=eth7')! >= 51);
  proves(t, ...new Set([...figures.keys()].map((series) => series.split(' ')[0]!)));
});

test('by rtnetlink in our own namespace', { skip: noAddon }, async () => {
  const { reason } = await assertTrue(agent(loadAddon(), null), process.pid);
  assert.equal(reason, 'own_view');
});

test('without the addon, in our own namespace', { skip: noRoot }, async () => {
  const { reason } = await assertTrue(agent(undefined, null), process.pid);
  assert.equal(reason, 'no_addon');
});
