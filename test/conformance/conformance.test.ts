/** What counts as evidence, and what the numbers forgive. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { folder } from '../peers/peer.ts';
import { readEvidence, type Evidence } from './evidence.ts';
import { compare, toCommit } from './numbers.ts';
import { families, hasLabels, options } from './reference.ts';
import { sightingsOf, type Sighting } from './seen.ts';
import { familyTable, optionTable, unknownSubjects, type Row, type Table } from './tables.ts';

/** Evidence of results given as lines by `<part>/<file>`. */
async function evidenceOf(t: TestContext, files: Record<string, readonly unknown[]>): Promise<Evidence> {
  const root = await folder(t);
  for (const [file, lines] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    await writeFile(join(root, file), texts.join('\n'));
  }
  return readEvidence(root);
}

const result = (name: string, outcome: string): unknown => ({ file: 'a.test.ts', name, outcome, ms: 1 });
const proof = (name: string, ...subjects: string[]): unknown => ({ file: 'a.test.ts', name, subjects });
const nothing: Evidence = { parts: [], proofs: new Map(), sightings: [], refused: [] };
const rowOf = ({ rows }: Table, subject: string): Row => rows.find((row) => row.subject === subject)!;

test('only what a passed test of the same part proves counts', async (t) => {
  const { parts, proofs, refused } = await evidenceOf(t, {
    'one/tests.ndjson': [result('good', 'passed'), result('bad', 'failed'), result('left out', 'skipped')],
    'one/proofs-1.ndjson': [proof('good', 'node_info'), proof('bad', 'up'), proof('left out', 'up')],
    'one/proofs-2.ndjson': [proof('gone', 'up')],
    'two/tests.ndjson': [result('twice', 'passed'), result('twice', 'failed')],
    'two/proofs-1.ndjson': [proof('twice', 'up'), proof('good', 'up'), '{"file": "a.te'],
    'three/other.txt': [],
  });
  assert.deepEqual(parts, ['one', 'three', 'two']);
  assert.deepEqual([...proofs], [['node_info', ['a.test.ts: good']]]);
  assert.equal(refused.length, 6);
});

test('no results at all are no evidence', async (t) => {
  assert.deepEqual(readEvidence(join(await folder(t), 'nowhere')), nothing);
});

test('a page is sighted family by family, once for each set of labels', () => {
  const page = [
    '# TYPE a_total counter',
    'a_total{y="1",x="} 2"} 3',
    'a_total{x="2",y="\\""} 3',
    'a_total{x="2"} 3',
    '# TYPE h histogram',
    'h_bucket{le="1",x="a"} 1',
    'h_count{x="a"} 1',
    'bare 1',
  ].join('\n');
  assert.deepEqual(
    sightingsOf(page, '6.1').map(
      ({ family, type, labels, kernel }) => `${family} ${type} ${labels.join()} ${kernel}`,
    ),
    ['a_total counter x,y 6.1', 'a_total counter x 6.1', 'h histogram x 6.1', 'bare untyped  6.1'],
  );
});

test('labels are exact with the constant ones of the family, az and region both or none, and nothing else', () => {
  const family = (name: string) => families.find((candidate) => candidate.name === name)!;
  const container = ['machine_id', 'system_uuid', 'container_id', 'app_id'];
  const connects = family('container_net_tcp_failed_connects_total');
  assert.ok(hasLabels(connects, [...container, 'destination']));
  assert.ok(hasLabels(connects, [...container, 'destination', 'az', 'region', 'job', 'instance']));
  for (const wrong of [[], ['az'], ['destination', 'az'], ['destination', 'more'], ['target']])
    assert.ok(!hasLabels(connects, [...container, ...wrong]), wrong.join());
  assert.ok(
    !hasLabels(family('node_info'), [
      'machine_id',
      'system_uuid',
      'hostname',
      'kernel_version',
      'az',
      'region',
    ]),
  );
  const cloud = family('node_cloud_info');
  assert.ok(hasLabels(cloud, [...cloud.labels, 'machine_id', 'system_uuid']));
  assert.ok(
    !hasLabels(cloud, [...cloud.labels.filter((label) => label !== 'region'), 'machine_id', 'system_uuid']),
  );
});

test('a family is declared by the catalogue, seen on pages, exact while every page is, proven by tests', () => {
  const seen = (...labels: string[]): Sighting => ({
    family: 'node_uptime_seconds',
    type: 'gauge',
    labels,
    kernel: '6.1',
  });
  const reached = (sightings: Sighting[], proofs: Evidence['proofs'] = new Map()): readonly string[] =>
    rowOf(familyTable({ ...nothing, sightings, proofs }), 'node_uptime_seconds').reached;
  const right = seen('machine_id', 'system_uuid');
  assert.deepEqual(reached([]), ['declared']);
  assert.deepEqual(reached([right]), ['declared', 'seen', 'exact']);
  assert.deepEqual(reached([right, seen('machine')]), ['declared', 'seen']);
  assert.deepEqual(reached([{ ...right, type: 'counter' }]), ['declared', 'seen']);
  assert.deepEqual(reached([], new Map([['node_uptime_seconds', ['t']]])), ['declared', 'proven']);
  assert.deepEqual(rowOf(familyTable(nothing), 'container_jvm_info').reached, []);
});

test('the reference has 149 families, and every one of its options that can be tried is accepted', () => {
  assert.equal(new Set(families.map(({ name }) => name)).size, 149);
  const table = optionTable(nothing);
  for (const { name, kind } of options)
    assert.deepEqual(rowOf(table, name).reached, kind === 'container variable' ? [] : ['accepted'], name);
});

test('a subject that nobody knows is told', () => {
  const known = ['node_info', 'node_agent_series', '--listen', '--config', 'OTEL_SDK_DISABLED'];
  const proofs = new Map([...known, 'node_inof', '--lisen'].map((subject) => [subject, ['t']]));
  assert.deepEqual(unknownSubjects({ ...nothing, proofs }), ['node_inof', '--lisen']);
});

test('what was committed and is no longer reached is lost, by name', () => {
  const table = (rows: Record<string, string[]>): Table => ({
    title: '',
    columns: ['a', 'b'],
    rows: Object.entries(rows).map(([subject, reached]) => ({ subject, reached, tests: [] })),
  });
  const committed = toCommit(table({ x: ['a', 'b'], y: ['a'], z: [] }));
  assert.deepEqual(committed, { numbers: { a: 2, b: 1, of: 3 }, rows: { x: 'a b', y: 'a' } });
  assert.deepEqual(compare(table({ x: ['a', 'b'], y: ['a'], z: [] }), committed), { lost: [], gained: [] });
  // As many as before, and yet one is gone.
  assert.deepEqual(compare(table({ x: ['a'], z: ['a', 'b'] }), committed), {
    lost: ['x: b', 'y: a'],
    gained: ['z: a, b'],
  });
});
