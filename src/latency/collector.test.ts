import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Attributes, Observable } from '@opentelemetry/api';
import { namingMeter } from '../collector.fixture.ts';
import { latencyCollector } from './collector.ts';
import { container } from './talker.fixture.ts';

const web = container('/web');

/** A collector over this very process, which talks to 10.0.0.1 and .2; those that are silent do not answer. */
function setUp(t: TestContext) {
  const state = { ms: 0, reads: 1, rounds: 0, stamps: false, silent: new Set<number>(), containers: [web] };
  const collector = latencyCollector(namingMeter(), {
    addon: {
      stampReceived: (on) => (state.stamps = on),
      ping: async (path, targets) => {
        assert.ok(state.stamps);
        assert.equal(path, null);
        state.rounds++;
        const last = Array.from({ length: targets.length / 16 }, (_, i) => targets[16 * i + 15]!);
        return {
          errors: Int32Array.from(last, (byte) => (state.silent.has(byte) ? 110 : 0)),
          roundTripNs: Float64Array.from(last, (byte) => byte * 1e6),
          namespaceInode: statSync('/proc/self/ns/net').ino,
          cpuNs: 0,
        };
      },
    },
    upstreams: {
      list: async () =>
        state.containers.map((each) => ({
          container: each,
          addresses: new Set(['10.0.0.1', '10.0.0.2', '127.0.0.1']),
        })),
    },
    containers: { all: () => state.containers },
    mountPoint: '/cgroup',
    proc: '/proc',
    read: async (paths) => paths.map(() => `${process.pid}\n`),
    reads: () => state.reads,
    nowMs: () => state.ms,
  });
  t.after(() => collector.close());
  /** Milliseconds by address; `after` how long since the last collection. */
  const collect = async (afterMs: number): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    state.ms += afterMs;
    const observe = (instrument: Observable, value: number, labels?: Attributes): void => {
      if ((instrument as unknown as { name: string }).name !== 'container_net_latency_seconds') return;
      assert.equal(labels?.['container_id'], '/web');
      found[String(labels?.['destination_ip'])] = value * 1000;
    };
    await collector.collect({ observe });
    await sleep(70);
    await setImmediate();
    state.reads++;
    return found;
  };
  return { state, collector, collect };
}

const both = { '10.0.0.1': 1, '10.0.0.2': 2 };

test('a collection shows the last round, and begins the next', async (t) => {
  const { state, collect } = setUp(t);
  assert.deepEqual(await collect(0), {});
  assert.equal(state.rounds, 1);
  state.silent.add(2);
  assert.deepEqual(await collect(5000), both);
  assert.equal(state.rounds, 1, 'not so soon');
  assert.deepEqual(await collect(5000), both);
  assert.equal(state.rounds, 2);
  assert.deepEqual(
    await collect(15_000),
    { '10.0.0.1': 1 },
    'who did not answer in the last round is absent',
  );
});

test('without readers there are no rounds, and nothing stale', async (t) => {
  const { state, collect } = setUp(t);
  await collect(0);
  state.reads--;
  assert.deepEqual(await collect(60_000), both);
  assert.equal(state.rounds, 1);
  state.reads--;
  assert.deepEqual(await collect(100_000), {});
  assert.equal(state.rounds, 1);
});

test('containers that have ended, or talk no more, have no samples', async (t) => {
  const { state, collect } = setUp(t);
  const ended = { ...web, topCgroups: [...web.topCgroups] };
  state.containers = [ended];
  await collect(0);
  assert.deepEqual(await collect(1000), both);
  ended.topCgroups.length = 0;
  assert.deepEqual(await collect(1000), {});
  state.containers = [];
  await collect(15_000);
  assert.deepEqual(await collect(1000), {});
});
