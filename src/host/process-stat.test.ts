import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statField } from './process-stat.ts';

test('fields are counted from behind the command, whatever is in it; one that ends the text may be cut short', () => {
  const text = '7 (a) S 9 ((b) R 3 4 5\n';
  assert.deepEqual(
    [3, 4, 5, 6, 7].map((number) => statField(text, number)),
    ['R', '3', '4', undefined, undefined],
  );
  assert.equal(statField('', 3), undefined);
  assert.equal(statField(undefined, 3), undefined);
});
