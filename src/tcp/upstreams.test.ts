import assert from 'node:assert/strict';
import { test } from 'node:test';
import { otherDestination } from './reading.ts';
import { addTo, seriesTable, type SeriesTable } from './series.ts';
import { noTotals } from './reading.ts';
import { upstreamsOf } from './upstreams.ts';

const container = { id: '/a', labels: { container_id: '/a' }, visible: true };

function add(
  table: SeriesTable,
  to: { destination: string; actual?: string; inbound?: boolean },
  counts: { successful?: number; failed?: number; active?: number },
): void {
  const { destination, actual = destination, inbound = false } = to;
  const totals = { ...noTotals(), successful: counts.successful ?? 0, failed: [counts.failed ?? 0, 0, 0, 0] };
  addTo(table.of(container, { destination, actual, inbound }), {
    totals,
    active: counts.active ?? 0,
    lastNs: 1,
  });
}

test('where connects succeed it is the actual destination, where they fail the one that was meant', () => {
  const table = seriesTable();
  add(table, { destination: '10.97.0.1:80', actual: '10.98.0.1:8080' }, { successful: 2 });
  add(table, { destination: '10.97.0.2:80' }, { failed: 1 });
  add(table, { destination: '10.97.0.3:80', actual: '10.98.0.3:80' }, { failed: 1, successful: 1 });
  add(table, { destination: '[fd97::1]:443', actual: '[fd98::1]:443' }, { active: 1 });
  add(table, { destination: '10.98.0.1:9090' }, { successful: 1 });
  add(table, { destination: otherDestination, actual: '' }, { successful: 9, failed: 9 });
  add(table, { destination: '10.1.1.1:80', actual: '', inbound: true }, { successful: 9 });
  add(table, { destination: '10.1.1.2:80' }, {});
  const [upstream, ...others] = upstreamsOf(table.all());
  assert.deepEqual(others, []);
  assert.equal(upstream?.container, container);
  assert.deepEqual(
    [...(upstream?.addresses ?? [])].sort(),
    ['10.97.0.2', '10.97.0.3', '10.98.0.1', '10.98.0.3', 'fd98::1'].sort(),
  );
});
