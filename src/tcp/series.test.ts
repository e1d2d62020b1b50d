import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noTotals } from './reading.ts';
import { restart, retireInto, seriesTable, type SeriesKey } from './series.ts';

const to = (destination: string): SeriesKey => ({ inbound: false, destination, actual: destination });

test('a series whose idle entry is still in the kernel is not forgotten', () => {
  const table = seriesTable();
  const container = { id: '/system.slice/a.service', labels: {}, visible: true };
  table.of(container, to('10.0.0.1:80')).waiting = true;
  table.of(container, to('10.0.0.2:80'));
  table.forgetIdle(1);
  assert.ok(table.has(container, to('10.0.0.1:80')));
  assert.ok(!table.has(container, to('10.0.0.2:80')));
  for (const series of table.all()) restart(series);
  table.forgetIdle(1);
  assert.ok(!table.has(container, to('10.0.0.1:80')));
});

test('what is retired of a container goes with it to the one that it turned out to be', () => {
  const table = seriesTable();
  const successor = { id: '/docker/web', labels: { container_id: '/docker/web' }, visible: true };
  const unnamed = { id: '/docker/a1', labels: {}, visible: true };
  const totals = { ...noTotals(), successful: 3, failed: [1, 0, 0, 2, 0], bytesSent: 5 };
  const counts = { totals, active: 0, lastNs: 7 };
  retireInto(table.of(unnamed, to('a:1')), counts);
  retireInto(table.of(successor, to('a:1')), counts);
  retireInto(table.of({ ...unnamed, successor }, to('a:1')), counts);
  table.rename();
  const [sum, ...others] = table.all();
  assert.deepEqual(others, []);
  assert.equal(sum?.container, successor);
  assert.deepEqual(sum?.retired, { ...noTotals(), successful: 9, failed: [3, 0, 0, 6, 0], bytesSent: 15 });
  assert.equal(sum?.lastNs, 7);
  assert.equal(sum?.labels.failure['container_id'], '/docker/web');
});
