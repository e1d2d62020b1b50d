import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restart, seriesTable } from './series.ts';

test('a series whose idle entry is still in the kernel is not forgotten', () => {
  const table = seriesTable();
  const container = { id: '/system.slice/a.service', labels: {}, visible: true };
  table.of(container, '10.0.0.1:80').waiting = true;
  table.of(container, '10.0.0.2:80');
  table.forgetIdle(1);
  assert.ok(table.has(container, '10.0.0.1:80'));
  assert.ok(!table.has(container, '10.0.0.2:80'));
  for (const series of table.all()) restart(series);
  table.forgetIdle(1);
  assert.ok(!table.has(container, '10.0.0.1:80'));
});
