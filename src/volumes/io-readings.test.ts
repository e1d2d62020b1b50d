import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedContainer } from '../model/containers.ts';
import { ioSource } from './io.ts';
import { ioReadings } from './io-readings.ts';

/** A container on cgroup v2 whose cgroups have written what `written` says, by path. */
function machine(written: Record<string, number>) {
  const cgroups = Object.keys(written).map((path, i) => ({ id: i + 1, path }));
  const state = {
    written,
    cgroups,
    tops: undefined as typeof cgroups | undefined,
    nowMs: 0,
    read: [] as string[],
    runs: 0,
  };
  const container: ListedContainer = {
    id: '/a',
    labels: {},
    visible: true,
    wasThere: false,
    get cgroups() {
      return state.cgroups;
    },
    get topCgroups() {
      return state.tops ?? state.cgroups;
    },
    get activity() {
      return { runs: state.runs };
    },
  };
  const source = ioSource({ v1: {}, v2: '' });
  const read = async (files: readonly string[]): Promise<(string | undefined)[]> => {
    state.read.push(...files);
    return files.map((file) => {
      const bytes = state.written[file.replace('/io.stat', '')];
      return bytes === undefined ? undefined : `8:0 rbytes=0 wbytes=${bytes} rios=0 wios=1\n`;
    });
  };
  const readings = ioReadings(source, read, () => state.nowMs);
  const look = async (): Promise<number | undefined> => {
    state.read = [];
    await readings.update([container]);
    return readings.of(container).get('8:0')?.writtenBytes;
  };
  return { state, look };
}

test('the sum over the cgroups does not fall when one of them goes', async () => {
  const { state, look } = machine({ '/a/1': 100, '/a/2': 20 });
  assert.equal(await look(), 120);
  state.cgroups = state.cgroups.slice(1);
  state.written = { '/a/2': 25 };
  assert.equal(await look(), 125);
  state.cgroups = [{ id: 9, path: '/a/3' }];
  state.written = { '/a/3': 1 };
  assert.equal(await look(), 126);
  state.cgroups = [];
  assert.equal(await look(), 126);
});

test('a cgroup that turns out to lie in another is counted once', async () => {
  const { state, look } = machine({ '/a/1': 100 });
  assert.equal(await look(), 100);
  state.nowMs += 200_000;
  await look();
  const outer = { id: 9, path: '/a' };
  state.tops = [outer];
  state.cgroups = [outer, ...state.cgroups];
  state.written = { '/a': 105, '/a/1': 105 };
  assert.equal(await look(), 105);
  state.nowMs += 200_000;
  assert.equal(await look(), 105);
});

test('what cannot be read stays as it was', async () => {
  const { state, look } = machine({ '/a': 100 });
  await look();
  state.written = {};
  assert.equal(await look(), 100);
});

test('whoever has not run for two minutes is looked at once a minute', async () => {
  const { state, look } = machine({ '/a': 100 });
  let looks = 0;
  for (state.nowMs = 0; state.nowMs < 600_000; state.nowMs += 15_000) {
    await look();
    if (state.read.length > 0) looks++;
  }
  assert.equal(looks, 120 / 15 + 480 / 60);
  state.runs++;
  state.written = { '/a': 101 };
  assert.equal(await look(), 101);
});
