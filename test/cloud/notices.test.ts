/** Machines that will be taken away, and what is asked about it of those that may be. */
import type { Attributes } from '@opentelemetry/api';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test, type TestContext } from 'node:test';
import { noticeCollector } from '../../src/cloud/collector.ts';
import type { WatchedCloud } from '../../src/cloud/start.ts';
import { SnapshotMeter } from '../../src/telemetry/meter.ts';
import { awsRoutes, azureInstance, azureReply, examples } from './clouds.ts';
import { CloudMachine, plain, skip, until } from './machine.ts';
import type { Reply } from './server.ts';

const local = 'http://169.254.169.254';
const awsKey = (key: string): string => `GET ${local}/latest/meta-data/${key}`;
const action = awsKey('spot/instance-action');
const rebalance = awsKey('events/recommendations/rebalance');
const needs = awsRoutes[awsKey('instance-id')]!.needs!;
const lifeCycle = (body: string): Record<string, Reply> => ({
  [awsKey('instance-life-cycle')]: { needs, body },
});
const inSeconds = (seconds: number): number => Date.now() + seconds * 1000;
const iso = (atMs: number): string => new Date(atMs).toISOString();

let machine: CloudMachine;
before(async () => {
  if (!skip) machine = await CloudMachine.start();
});
after(async () => machine?.end());

/** By type, as a snapshot has it. */
function figures(cloud: WatchedCloud): () => Promise<Record<string, number>> {
  const meter = new SnapshotMeter();
  const collector = noticeCollector(meter, cloud);
  meter.addBatchObservableCallback((result) => collector.collect(result), collector.instruments);
  return async () => {
    const { metrics, errors } = await meter.collect();
    assert.deepEqual(errors, []);
    const points = metrics.flatMap(
      ({ dataPoints }) => dataPoints as { attributes: Attributes; value: unknown }[],
    );
    return Object.fromEntries(
      points.map(({ attributes, value }) => [String(attributes['type']), value as number]),
    );
  };
}

/** When it will be, by a figure that has just been read; in milliseconds since the epoch. */
const when = (left: number | undefined): number => Date.now() + (left ?? NaN) * 1000;
const about = (actualMs: number, expectedMs: number): void =>
  assert.ok(Math.abs(actualMs - expectedMs) < 2000, `${actualMs}, not ${expectedMs}`);

async function start(
  t: TestContext,
  name: string,
  routes: Record<string, Reply | readonly Reply[]>,
): Promise<WatchedCloud> {
  await machine.serve({ routes });
  const cloud = machine.cloud(t, examples[name]!.files);
  await cloud.answered;
  return cloud;
}

test('AWS: a spot instance is told of two minutes before', { skip }, async (t) => {
  const atMs = inSeconds(125);
  const notice: Reply = { needs, body: JSON.stringify({ action: 'terminate', time: iso(atMs) }) };
  const cloud = await start(t, 'AWS', {
    ...awsRoutes,
    ...lifeCycle('spot'),
    [action]: [{ status: 404 }, notice],
    [rebalance]: { needs, body: JSON.stringify({ noticeTime: iso(inSeconds(0)) }) },
  });
  assert.equal(cloud.instance.instanceLifeCycle, 'spot');
  const seen = figures(cloud);
  await until('the first answer', () => cloud.notices().size === 1);
  assert.deepEqual(await seen(), { rebalance_recommendation: 0 });
  const began = performance.now();
  await until('the notice', () => cloud.notices().size === 2);
  assert.ok(performance.now() - began < 10_000, 'asked every five seconds');
  const { spot_interruption: left, ...others } = await seen();
  about(when(left), atMs);
  assert.deepEqual(others, { rebalance_recommendation: 0 });
  const asked = new Set(machine.requests().slice(Object.keys(awsRoutes).length));
  assert.deepEqual(asked, new Set([action, rebalance]), 'with the token that there is');
  cloud.close();
  assert.deepEqual(await seen(), {});
});

test('AWS: a question that fails hides nothing of what the other one tells', { skip }, async (t) => {
  const atMs = inSeconds(60);
  const cloud = await start(t, 'AWS', {
    ...awsRoutes,
    ...lifeCycle('spot'),
    [action]: [{ status: 404 }, { needs, body: JSON.stringify({ time: iso(atMs) }) }],
    [rebalance]: { status: 500 },
  });
  await until('the notice', () => cloud.notices().size === 1, 30_000);
  const { spot_interruption: left, ...others } = await figures(cloud)();
  about(when(left), atMs);
  assert.deepEqual(others, {});
  assert.equal(machine.problems.length, 1);
  assert.match(machine.problems[0]!, /recommendations.*status 500/);
});

test('AWS: nobody asks about an instance that stays, or with the option', { skip }, async (t) => {
  const cloud = await start(t, 'AWS', { ...awsRoutes, [action]: { needs, body: '{"action":"stop"}' } });
  await sleep(5500);
  assert.equal(machine.requests().length, Object.keys(awsRoutes).length);
  assert.deepEqual(await figures(cloud)(), {});
  await machine.serve({ routes: { ...awsRoutes, ...lifeCycle('spot') } });
  const quiet = machine.cloud(t, examples['AWS']!.files, { disableTerminationNotices: true });
  await quiet.answered;
  await sleep(500);
  assert.equal(machine.requests().length, Object.keys(awsRoutes).length);
});

test('AWS: what the operator says of the life cycle counts', { skip }, async (t) => {
  const atMs = inSeconds(60);
  await machine.serve({ routes: { ...awsRoutes, [action]: { needs, body: `{"time":"${iso(atMs)}"}` } } });
  const cloud = machine.cloud(t, examples['AWS']!.files, { cloud: { ...plain, instanceLifeCycle: 'spot' } });
  await until('the notice', () => cloud.notices().size === 1);
  about(when((await figures(cloud)())['spot_interruption']), atMs);
});

test('GCP: a preempted machine has thirty seconds', { skip }, async (t) => {
  const { routes } = examples['GCP']!;
  const google = { headers: { 'Metadata-Flavor': 'Google' } };
  const key = (name: string): string => `GET ${local}/computeMetadata/v1/instance/${name}`;
  const cloud = await start(t, 'GCP', {
    ...routes,
    [key('scheduling/preemptible')]: { ...google, body: 'TRUE' },
    [key('preempted')]: [
      { ...google, body: 'FALSE' },
      { ...google, body: 'TRUE' },
    ],
  });
  assert.equal(cloud.instance.instanceLifeCycle, 'preemptible');
  const beganMs = Date.now();
  await until('the notice', () => cloud.notices().size === 1);
  const seenMs = Date.now();
  const atMs = when((await figures(cloud)())['preemption']);
  assert.ok(atMs >= beganMs + 30_000 && atMs < seenMs + 32_000, `${atMs}`);
  const asked = machine.asked.length;
  await until('another question', () => machine.asked.length > asked);
  await sleep(200);
  about(when((await figures(cloud)())['preemption']), atMs);
});

test('Azure: events for this machine alone, with spot priority alone', { skip }, async (t) => {
  // Dates of HTTP have no fractions.
  const nowMs = Math.trunc(Date.now() / 1000) * 1000;
  const event = (EventType: string, seconds: number, ...Resources: string[]): object => ({
    EventId: 'f020ba2e-3bc0-4c40-a10b-86575a9eabd5',
    EventType,
    ResourceType: 'VirtualMachine',
    Resources,
    EventStatus: 'Scheduled',
    NotBefore: new Date(nowMs + seconds * 1000).toUTCString(),
    Description: '',
    EventSource: 'Platform',
    DurationInSeconds: -1,
  });
  const started = (type: string): object => ({
    ...event(type, 5, 'examplevmname'),
    EventStatus: 'Started',
    NotBefore: '',
  });
  const Events = [
    event('Preempt', 30, 'examplevmname'),
    event('Reboot', 900, 'another', 'examplevmname'),
    event('Reboot', 600, 'examplevmname'),
    event('Redeploy', 60, 'another'),
    event('Invented', 60, 'examplevmname'),
    event('constructor', 60, 'examplevmname'),
    started('Terminate'),
    // One that has begun counts, before and after one that has not.
    event('Freeze', 60, 'examplevmname'),
    started('Freeze'),
    started('Redeploy'),
    event('Redeploy', 60, 'examplevmname'),
    null,
  ];
  const events = `GET ${local}/metadata/scheduledevents?api-version=2020-07-01`;
  const answer: Reply = {
    needs: { metadata: 'True' },
    body: JSON.stringify({ DocumentIncarnation: 1, Events }),
  };
  const regular = await start(t, 'Azure', { [azureInstance]: azureReply('Regular'), [events]: answer });
  await sleep(500);
  assert.deepEqual(machine.requests(), [azureInstance]);
  regular.close();
  const cloud = await start(t, 'Azure', { [azureInstance]: azureReply('Spot'), [events]: answer });
  await until('the notices', () => cloud.notices().size > 0);
  const { preempt, reboot, ...others } = await figures(cloud)();
  about(when(preempt), nowMs + 30_000);
  about(when(reboot), nowMs + 600_000);
  assert.deepEqual(others, { terminate: 0, freeze: 0, redeploy: 0 });
  assert.deepEqual(machine.requests().slice(0, 2), [azureInstance, events]);
});

test('a service that fails is told of once, and asked less often', { skip }, async (t) => {
  const routes = { ...awsRoutes, ...lifeCycle('spot'), [action]: { status: 500 } };
  const cloud = await start(t, 'AWS', routes);
  await until('a problem', () => machine.problems.length > 0);
  assert.match(machine.problems[0]!, /taken away.*status 500/);
  const began = performance.now();
  const asked = (): number => machine.requests().filter((request) => request === action).length;
  await until('a second question', () => asked() === 2, 30_000);
  assert.ok(performance.now() - began > 9000, 'at once and ten seconds later');
  await sleep(1000);
  assert.equal(machine.problems.length, 1);
  assert.deepEqual(await figures(cloud)(), {});
});
