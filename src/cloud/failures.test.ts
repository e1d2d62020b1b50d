import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failures } from './failures.ts';

test('a failure and its end are told once, of those that alternate one an hour', () => {
  const told: unknown[] = [];
  let nowMs = 0;
  const failures = new Failures({
    clock: { now: () => 0, monotonic: () => nowMs },
    onFailing: (error) => told.push(error),
    onRecovered: () => told.push('recovered'),
  });
  failures.worked();
  for (; nowMs < 3_600_000; nowMs += 10_000) {
    failures.failed('first');
    failures.failed('again');
    failures.worked();
    failures.worked();
  }
  assert.deepEqual(told.splice(0), ['first', 'recovered']);
  failures.failed('after an hour');
  assert.deepEqual(told.splice(0), ['after an hour']);
  nowMs += 7_200_000;
  failures.failed('still');
  assert.deepEqual(told, [], 'it was told that it does not work');
});

test('what fails soon after it was told, and stays so, is told when the hour is over', () => {
  const told: unknown[] = [];
  let nowMs = 0;
  const failures = new Failures({
    clock: { now: () => 0, monotonic: () => nowMs },
    onFailing: () => told.push(nowMs),
    onRecovered: () => {},
  });
  failures.failed('first');
  failures.worked();
  for (; nowMs < 7_200_000; nowMs += 60_000) failures.failed('second');
  assert.deepEqual(told, [0, 3_600_000]);
});
