import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parentOf, spanIdOf, traceIdOf } from './trace-ids.ts';

const [trace, span] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];

test('ids are hexadecimal, of their length, and not zero', () => {
  assert.equal(traceIdOf(trace.toUpperCase()), trace);
  assert.equal(traceIdOf(`projects/p/traces/${trace}`), trace);
  assert.equal(spanIdOf(span), span);
  for (const value of ['', 'xyz', span, `${trace}0`, '0'.repeat(32), 5, null, undefined, {}, [trace]])
    assert.equal(traceIdOf(value), undefined);
  for (const value of [trace, '0'.repeat(16), 'g'.repeat(16)]) assert.equal(spanIdOf(value), undefined);
});

test('both ids of a traceparent', () => {
  assert.deepEqual(parentOf(`00-${trace}-${span}-01`), { traceId: trace, spanId: span });
  assert.equal(parentOf(`00-${trace}-${'0'.repeat(16)}-01`), undefined);
  assert.equal(parentOf(`${trace}-${span}`), undefined);
});
