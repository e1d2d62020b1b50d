import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feed, type Feed } from './feed.ts';
import type { Group } from './group.ts';
import type { Stream } from './messages.ts';

interface Fed {
  readonly of: Feed;
  readonly counted: string[];
  /** Answers the position behind the line. */
  write(line: string): number;
  nowMs: number;
}

function setUp(kind: Stream['kind']): Fed {
  const counted: string[] = [];
  const group = { count: (level: string, text: string) => counted.push(`${level}: ${text}`) };
  const of = feed(kind, group as unknown as Group);
  let end = 0;
  const fed: Fed = {
    of,
    counted,
    nowMs: 0,
    write(line) {
      const bytes = Buffer.from(line);
      end += bytes.length + 1;
      of.line(bytes, end, fed.nowMs);
      return end;
    },
  };
  return fed;
}

const cri = (stream: string, tag: string, text: string): string =>
  `2026-01-01T00:00:00.000000000Z ${stream} ${tag} ${text}`;

test('a message is committed once it is counted', () => {
  const { of, counted, write } = setUp('file');
  const first = write('INFO one');
  assert.deepEqual([of.committed(), counted.length], [0, 0], 'open');
  write('ERROR two');
  assert.deepEqual([of.committed(), counted], [first, ['info: INFO one']]);
  const third = write('\tat its second line');
  assert.equal(of.committed(), first);
  of.flush();
  assert.deepEqual([of.committed(), counted[1]], [third, 'error: ERROR two\n\tat its second line']);
  assert.deepEqual(of.figures, { lines: 3, bytes: third, undecodable: 0, cut: 0 });
});

test('silence closes what is open, and only then nothing waits', () => {
  const fed = setUp('cri');
  fed.write(cri('stdout', 'F', 'INFO one'));
  fed.write(cri('stderr', 'P', 'half of '));
  fed.nowMs = 500;
  assert.equal(fed.of.expire(500), true);
  assert.equal(fed.of.expire(1000), true, 'the joined line is a message of its own');
  assert.equal(fed.of.expire(2000), false);
  assert.deepEqual(fed.counted, ['info: INFO one', 'unknown: half of']);
});

test('both outputs have messages of their own', () => {
  const { of, counted, write } = setUp('cri');
  write(cri('stderr', 'F', 'ERROR one'));
  write(cri('stdout', 'F', 'INFO between'));
  write(cri('stderr', 'F', '\tat its second line'));
  of.flush();
  assert.deepEqual(counted, ['error: ERROR one\n\tat its second line', 'info: INFO between']);
});

test('parts of a line are committed with their message', () => {
  const { of, counted, write } = setUp('cri');
  const first = write(cri('stdout', 'F', 'INFO one'));
  write(cri('stdout', 'P', 'ERROR two '));
  assert.equal(of.committed(), 0);
  write(cri('stdout', 'F', 'and its end'));
  assert.deepEqual([of.committed(), counted], [first, ['info: INFO one']]);
});

test('what is open when reading ends is read again, if nothing behind it has been counted', () => {
  const one = setUp('cri');
  const first = one.write(cri('stdout', 'F', 'INFO one'));
  one.write(cri('stdout', 'F', 'ERROR two'));
  one.of.settle();
  assert.deepEqual([one.of.committed(), one.counted.length], [first, 1]);
  const both = setUp('cri');
  both.write(cri('stderr', 'F', 'ERROR open'));
  both.write(cri('stdout', 'F', 'INFO one'));
  const last = both.write(cri('stdout', 'F', 'INFO two'));
  both.of.settle();
  assert.deepEqual(
    [both.of.committed(), both.counted],
    [last, ['info: INFO one', 'error: ERROR open', 'info: INFO two']],
  );
});

test('what is no line of its format is counted, and passed over', () => {
  const { of, counted, write } = setUp('docker');
  write('{"log":"ERROR one\\n","stream":"stderr"}');
  const end = write('no JSON');
  of.flush();
  assert.deepEqual([of.figures.undecodable, of.committed(), counted], [1, end, ['error: ERROR one']]);
});
