import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock as clock } from '../host/clock.ts';
import { expiry } from './expiry.ts';
import { groups } from './groups.ts';
import { journalFeed } from './journal-feed.ts';

const settings = {
  ...{ json: true, patternLimit: 1, extractionLimit: 0, cpuBudget: 0, maxSampleBytes: 4096, masks: true },
};

function setUp() {
  const all = groups(settings, clock);
  const of = journalFeed(all, expiry(clock), clock);
  const add = (...texts: string[]): void =>
    of.take(texts.map((text) => ({ group: 'web', text, level: 'info', timeMs: 0 })));
  const messages = (): number => all.take().totals.reduce((sum, n, i) => sum + (i % 2 === 1 ? n : 0), 0);
  return { all, of, add, messages };
}

test('entries of an open message are told apart from those that were counted', () => {
  const { of, add, messages } = setUp();
  add('');
  assert.equal(of.open, 0, 'nothing begins with it');
  add('ERROR it broke', '\tat its first line', '\tat its second');
  assert.deepEqual([of.open, messages()], [3, 0]);
  add('INFO it is');
  assert.deepEqual([of.open, messages()], [1, 1]);
  of.flush();
  assert.deepEqual([of.open, of.figures.lines], [0, 5]);
});

test('who is forgotten takes neither counts nor refusals along', () => {
  const { all, of, add, messages } = setUp();
  add('ERROR first', 'ERROR of another kind', `ERROR ${'x'.repeat(70_000)}`);
  assert.deepEqual([of.cut, of.open], [1, 1]);
  of.forget('web');
  assert.deepEqual([of.cut, of.open], [1, 0]);
  const before = all.of('web');
  const refused = all.refused;
  assert.ok(refused > 0);
  const close = all.forget('web');
  const after = all.of('web');
  assert.notEqual(after, before);
  before.count('info', 'INFO the last of it');
  assert.equal(all.refused, refused);
  assert.equal(messages(), 4);
  close();
  after.count('info', 'INFO anew');
  assert.deepEqual([messages(), all.refused], [1, refused]);
});
