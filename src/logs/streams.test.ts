import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedContainer, LogFile } from '../model/containers.ts';
import type { Counted } from './messages.ts';
import { logSeries } from './series.ts';
import { streams, type OwnFile, type Streams } from './streams.ts';

interface Said {
  readonly of: Streams;
  readonly series: ReturnType<typeof logSeries>;
  /** `follow`, `leave` and `forget` with what they are about, since they were asked for last. */
  said(): string[];
  all: ListedContainer[];
}

function setUp(): Said {
  let said: string[] = [];
  const series = logSeries(256);
  const set: { all: ListedContainer[] } = { all: [] };
  const of = streams({
    containers: { all: () => set.all },
    desk: {
      follow: ({ id, kind, isAgain }) => said.push(`follow ${kind} ${id}${isAgain ? ' again' : ''}`),
      leave: (id) => said.push(`leave ${id}`),
    },
    root: '/root',
    openHost: () => Promise.resolve(-2),
    onGroup: (name, source, whose) => series.add(name, source, whose),
    onForget(groups) {
      for (const group of groups) said.push(`forget ${group}`);
      series.forget(groups);
    },
  });
  return Object.assign(set, {
    of,
    series,
    said() {
      const before = said;
      said = [];
      return before;
    },
  });
}

const container = (id: string, more: Partial<ListedContainer> = {}): ListedContainer =>
  ({ id, labels: { container_id: id }, visible: true, wasThere: false, ...more }) as ListedContainer;
const file = (path: string): LogFile => ({ path, format: 'cri' });
const own = (path: string): OwnFile => ({ path, directory: '/', open: () => Promise.resolve(-2) });
const counted = (group: string, messages: number): Counted =>
  ({
    begun: [{ id: 1, group, level: 'info', hash: '', sample: '' }],
    totals: Float64Array.of(1, messages),
    figures: {},
    refused: {},
  }) as unknown as Counted;

test('files that a runtime tells of are followed, and left when it tells of others', () => {
  const set = setUp();
  set.all = [container('/a', { logFiles: [file('/x/0.log')] })];
  set.of.look();
  assert.deepEqual(set.said(), ['follow cri /a\n/x/0.log']);
  set.all = [container('/a', { logFiles: [file('/x/0.log'), file('/x/1.log')] })];
  set.of.look();
  assert.deepEqual(set.said(), ['follow cri /a\n/x/1.log']);
  set.all = [container('/a', { logFiles: [file('/x/1.log')] })];
  set.of.look();
  assert.deepEqual(set.said(), ['leave /a\n/x/0.log']);
  set.all = [];
  set.of.look();
  assert.deepEqual(set.said(), ['leave /a\n/x/1.log', 'forget /a\nstdout/stderr']);
});

test('while systemd is asked for a unit that starts again nothing of it is forgotten', () => {
  const set = setUp();
  const unit = container('/s/a.service');
  set.all = [unit];
  const group = set.of.groupOf(unit, 'journald')!;
  set.of.followFiles(unit, [own('/var/log/a.log')]);
  set.said();
  set.series.take(counted(group, 7));
  // The one in question has the same id, and is not shown.
  const asked = container('/s/a.service', { visible: false });
  set.all = [unit, asked];
  assert.equal(set.of.groupOf(asked, 'journald'), group);
  set.of.followFiles(asked, [own('/var/log/a.log')]);
  set.of.look();
  assert.deepEqual(
    [...set.series.all()].map(({ messages }) => messages),
    [7],
  );
  set.all = [unit];
  set.of.look();
  assert.deepEqual(set.said(), []);
  assert.deepEqual(
    [...set.series.all()].map(({ messages }) => messages),
    [7],
  );
  set.all = [];
  set.of.look();
  assert.equal([...set.series.all()].length, 0);
});

test('a container has places for 64 files of its own; what is not open makes room, and begins at its end when it is back', () => {
  const set = setUp();
  const writer = container('/a');
  set.all = [writer];
  const names = Array.from({ length: 64 }, (_, i) => `/var/log/${i}.log`);
  set.of.followFiles(writer, names.map(own));
  assert.equal(set.said().length, 64);
  set.of.followFiles(writer, [...names, '/var/log/more.log'].map(own));
  assert.deepEqual([set.said(), set.of.refused], [[], 1], 'all are open');
  set.of.followFiles(writer, [...names.slice(1), '/var/log/more.log'].map(own));
  assert.deepEqual(set.said(), ['leave /a\n/var/log/0.log', 'follow file /a\n/var/log/more.log']);
  set.of.followFiles(writer, ['/var/log/0.log'].map(own));
  assert.deepEqual(set.said(), ['leave /a\n/var/log/1.log', 'follow file /a\n/var/log/0.log again']);
});

test('who switches logs off is left, and not shown', () => {
  const set = setUp();
  const off = new Set(['logs'] as const);
  const quiet = container('/a', { logFiles: [file('/x/0.log')] });
  set.all = [quiet];
  set.of.look();
  set.of.followFiles(quiet, [own('/var/log/a.log')]);
  set.series.take(counted('/a\nstdout/stderr', 3));
  set.said();
  set.all = [container('/a', { logFiles: [file('/x/0.log')], switchedOff: off })];
  set.of.look();
  assert.deepEqual(set.said().sort(), ['leave /a\n/var/log/a.log', 'leave /a\n/x/0.log']);
  assert.deepEqual([...set.series.all()], []);
  assert.equal(set.of.groupOf(set.all[0]!, 'journald'), undefined);
});
