import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedContainer } from '../model/containers.ts';
import type { LogExportFigures } from '../model/log-export.ts';
import type { Counted, Counter } from './messages.ts';
import { overflow } from './patterns.ts';
import { logSeries } from './series.ts';

const none = { lines: 0, bytes: 0, lagBytes: 0, streams: 0, rotations: 0, destroyedBytes: 0 };

/** Each of these patterns with so many messages; ids begin at 1, as those of each thread. */
function counted(hashes: readonly string[], messages: number, lines = 0): Counted {
  const begun = hashes.map((hash, i): Counter => ({
    id: i + 1,
    group: 'web',
    level: 'error',
    hash,
    sample: hash,
  }));
  const totals = Float64Array.from(begun.flatMap(({ id }) => [id, messages]));
  const figures = { docker: none, cri: none, journald: none, file: { ...none, lines, streams: 1 } };
  return { begun, totals, figures, refused: { pattern: lines }, positions: [] };
}

function setUp(patternLimit: number) {
  const of = logSeries(patternLimit);
  of.add('web', 'file', () => ({ visible: true, labels: {} }) as unknown as ListedContainer);
  const messagesOf = (hash: string): number | undefined =>
    [...of.all()].find(({ labels }) => labels['pattern_hash'] === hash)?.messages;
  return { of, messagesOf };
}

test('who counts anew goes on where the one before was', () => {
  const { of, messagesOf } = setUp(256);
  of.take(counted(['a', 'b'], 5, 10));
  of.renew();
  of.take(counted(['b', 'c'], 2, 4));
  assert.deepEqual(['a', 'b', 'c'].map(messagesOf), [5, 7, 2]);
  assert.deepEqual([of.told!.figures.file.lines, of.told!.figures.file.streams], [14, 1]);
  assert.equal(of.told!.refused['pattern'], 14);
  of.forget(['web']);
  of.take(counted(['a'], 9));
  assert.deepEqual([...of.all()], []);
});

test('records of a thread that died stay counted; what waited in it was not sent', () => {
  const { of } = setUp(256);
  const none = { sent: 0, refused: 0, expired: 0, overflow: 0, unsent: 0, queued: 0 };
  const take = (records?: LogExportFigures): void => of.take({ ...counted([], 0), records });
  take({ ...none, sent: 5, refused: 1, unsent: 1, queued: 3 });
  of.renew();
  take({ ...none, sent: 2, queued: 4 });
  const sum = { ...none, sent: 7, refused: 1, unsent: 4 };
  assert.deepEqual(of.told!.records, { ...sum, queued: 4 });
  of.renew();
  take();
  assert.deepEqual(of.told!.records, { ...sum, unsent: 8 }, 'it cannot send');
  of.renew();
  take({ ...none, sent: 1 });
  assert.deepEqual(of.told!.records, { ...sum, sent: 8, unsent: 8 });
});

test('other patterns each time: bounded, and none is lost', () => {
  const { of, messagesOf } = setUp(4);
  let sum = 0;
  for (let round = 0; round < 100; round++) {
    const hashes = Array.from({ length: 4 }, (_, i) => `${round}.${i}`);
    of.take(counted(hashes, 3));
    of.renew();
    sum += 4 * 3;
  }
  const all = [...of.all()];
  assert.equal(all.length, 6 * 2 * (4 + 2) + 1);
  assert.equal(
    all.reduce((total, { messages }) => total + messages, 0),
    sum,
  );
  assert.ok(messagesOf(overflow.hash)! > 0);
});
