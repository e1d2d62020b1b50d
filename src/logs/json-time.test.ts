import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf, timeMsOf } from './json-time.ts';

const ms = Date.UTC(2031, 0, 2, 3, 4, 5, 678);

test('dates with an offset are times', () => {
  for (const text of [
    '2031-01-02T03:04:05.678Z',
    '2031-01-02T03:04:05.678901234z',
    '2031-01-02 03:04:05,678 Z',
    '2031-01-02T05:34:05.678+02:30',
    '2031-01-01T23:04:05.678-0400',
  ])
    assert.equal(timeMsOf(text), ms, text);
  assert.equal(timeMsOf('2031-01-02T03:04:05Z'), ms - 678);
  for (const text of [
    '',
    '2031-01-02',
    '2031-01-02 03:04:05',
    '03:04:05Z',
    '2031-13-02T03:04:05Z',
    'Jan 2 2031',
    '1',
    '0001-01-01T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '9999-12-31T23:59:59Z',
  ])
    assert.equal(timeMsOf(text), undefined, text);
});

test('numbers are times in the unit that makes one of our century', () => {
  for (const value of [ms / 1000, ms, ms * 1e3, ms * 1e6]) assert.ok(Math.abs(timeMsOf(value)! - ms) < 1);
  for (const value of [0, -1, 5, 1e9 - 1, 1e30, NaN, Infinity, null, undefined, true, [], {}])
    assert.equal(timeMsOf(value), undefined);
});

test('dates of MongoDB', () => {
  assert.equal(dateOf({ $date: '2031-01-02T03:04:05.678+00:00' }), ms);
  assert.equal(timeMsOf({ $date: ms }), ms);
  for (const value of [null, undefined, 5, '2031-01-02T03:04:05Z', { $date: {} }])
    assert.equal(dateOf(value), undefined);
});
