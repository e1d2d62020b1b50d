import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createNoopMeter,
  type Attributes,
  type BatchObservableResult,
  type Meter,
  type Observable,
} from '@opentelemetry/api';
import { Features } from '../features.ts';
import type { HostView } from '../host/view.ts';
import type { Addon } from '../native/addon.ts';
import type { Interface } from './interfaces.ts';
import { interfaceSource, netCollector } from './net.ts';

const eth0: Interface = {
  name: 'eth0',
  up: true,
  receivedBytes: 1,
  transmittedBytes: 2,
  receivedPackets: 3,
  transmittedPackets: 4,
  addresses: [
    { ip: '10.0.0.7', prefixBits: 24 },
    { ip: '10.0.0.7', prefixBits: 32 },
    { ip: '2001:db9::1', prefixBits: 64 },
  ],
};

interface Sample {
  readonly line: string;
  readonly labels: Attributes | undefined;
}

/** A meter whose instruments are known by their names, and what a collector observes through it. */
function recording(): { meter: Meter; observe: (samples: Sample[]) => BatchObservableResult } {
  const names = new Map<Observable, string>();
  const meter = createNoopMeter();
  const named = (name: string): Observable => {
    const instrument = Object.create(null) as Observable;
    names.set(instrument, name);
    return instrument;
  };
  meter.createObservableGauge = named;
  meter.createObservableCounter = named;
  return {
    meter,
    observe: (samples) => ({
      observe: (instrument, value, labels) =>
        samples.push({ line: `${names.get(instrument)} ${JSON.stringify(labels)} ${value}`, labels }),
    }),
  };
}

test('counters, state and addresses of what is there now, with the same labels each time', async () => {
  const { meter, observe } = recording();
  let present: readonly Interface[] = [eth0, { ...eth0, name: 'ens5', up: false, addresses: [] }];
  const collector = netCollector(meter, async () => present);
  const collect = async (): Promise<Sample[]> => {
    const samples: Sample[] = [];
    await collector.collect(observe(samples));
    return samples;
  };
  const first = await collect();
  assert.deepEqual(first.map(({ line }) => line).sort(), [
    'node_net_interface_ip {"interface":"eth0","ip":"10.0.0.7"} 1',
    'node_net_interface_ip {"interface":"eth0","ip":"2001:db9::1"} 1',
    'node_net_interface_up {"interface":"ens5"} 0',
    'node_net_interface_up {"interface":"eth0"} 1',
    'node_net_received_bytes_total {"interface":"ens5"} 1',
    'node_net_received_bytes_total {"interface":"eth0"} 1',
    'node_net_received_packets_total {"interface":"ens5"} 3',
    'node_net_received_packets_total {"interface":"eth0"} 3',
    'node_net_transmitted_bytes_total {"interface":"ens5"} 2',
    'node_net_transmitted_bytes_total {"interface":"eth0"} 2',
    'node_net_transmitted_packets_total {"interface":"ens5"} 4',
    'node_net_transmitted_packets_total {"interface":"eth0"} 4',
  ]);
  const again = await collect();
  assert.ok(again.every(({ labels }, at) => labels === first[at]?.labels));
  present = [eth0];
  assert.ok((await collect()).every(({ line }) => !line.includes('ens5')));
  present = [{ ...eth0, up: undefined }];
  assert.ok((await collect()).every(({ line }) => !line.includes('_up ')));
});

test('the feature says whose interfaces are shown and by what', async () => {
  const view = (netNamespace: string | null): HostView => ({
    paths: { proc: '/proc', sys: '/sys', root: '', cgroup: '/sys/fs/cgroup' },
    netNamespace,
    utsNamespace: null,
    netNamespaceInode: 0,
  });
  let works = true;
  const entered: (string | null)[] = [];
  const netlinkDump = async (namespace: string | null): Promise<Buffer> => {
    entered.push(namespace);
    if (!works) throw new Error('setns: not allowed');
    return Buffer.alloc(0);
  };
  const addon = { netlinkDump } as unknown as Addon;

  const details: string[] = [];
  const features = new Features((_, { reason }, detail) => details.push(`${reason}: ${detail}`));
  const read = interfaceSource(view('/proc/1/ns/net'), addon, features);
  assert.deepEqual(await read(), []);
  works = false;
  await read();
  await read();
  works = true;
  await read();
  assert.deepEqual(new Set(entered), new Set(['/proc/1/ns/net']));
  await interfaceSource(view(null), addon, features)();
  assert.equal(entered.at(-1), null);
  await interfaceSource(view(null), undefined, features)();
  assert.deepEqual(details, [
    ': ',
    'no_netlink: setns: not allowed',
    ': ',
    'own_view: interfaces are those of our own network namespace',
    'no_addon: interfaces are those of our own network namespace',
  ]);
});
