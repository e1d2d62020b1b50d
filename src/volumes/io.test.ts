import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ioSource, parseBlkio, parseIoStat } from './io.ts';

const stat =
  '8:0 rbytes=90112 wbytes=299008 rios=22 wios=33 dbytes=0 dios=0\n253:1 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n';
const serviced =
  '8:0 Read 22\n8:0 Write 33\n8:0 Sync 40\n8:0 Total 55\n259:3 Read 1\n259:3 Write 2\nTotal 58\n';
const bytes =
  '8:0 Read 90112\n8:0 Write 299008\n8:0 Total 389120\n259:3 Read 512\n259:3 Write 1024\nTotal 390656\n';

test('io.stat by device; incomplete rows are left out', () => {
  const sda = { reads: 22, writes: 33, readBytes: 90112, writtenBytes: 299008 };
  assert.deepEqual(
    parseIoStat(stat),
    new Map([
      ['8:0', sda],
      ['253:1', { reads: 3, writes: 4, readBytes: 1, writtenBytes: 2 }],
    ]),
  );
  for (const row of [
    '8:0 \n',
    '8:0 rbytes=1\n',
    '8:0 rbytes=1 wbytes=2 rios=x wios=4\n',
    'x rbytes=1 wbytes=2 rios=3 wios=4\n',
  ])
    assert.deepEqual(parseIoStat(row), new Map());
});

test('devices without figures before others in a row of io.stat get none of theirs', () => {
  const one = { reads: 3, writes: 4, readBytes: 1, writtenBytes: 2 };
  const row = 'rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n';
  assert.deepEqual(
    parseIoStat(`7:7 7:6 8:0 ${row}7:1 ${row}`),
    new Map([
      ['8:0', one],
      ['7:1', one],
    ]),
  );
  assert.deepEqual(parseIoStat(`8:0 (unknown) ${row}`), new Map());
});

test('blkio by device; both files must have it', () => {
  assert.deepEqual(
    parseBlkio(serviced, bytes),
    new Map([
      ['8:0', { reads: 22, writes: 33, readBytes: 90112, writtenBytes: 299008 }],
      ['259:3', { reads: 1, writes: 2, readBytes: 512, writtenBytes: 1024 }],
    ]),
  );
  assert.deepEqual([...parseBlkio(serviced, bytes.replace('259:3 Read', '259:4 Read')).keys()], ['8:0']);
  assert.deepEqual(parseBlkio('Total 0\n', 'Total 0\n'), new Map());
});

test('cut short at any byte a row is absent or true', () => {
  const [whole, blkio] = [parseIoStat(stat), parseBlkio(serviced, bytes)];
  for (let length = 0; length < stat.length; length++)
    for (const [device, io] of parseIoStat(stat.slice(0, length))) assert.deepEqual(io, whole.get(device));
  for (let length = 0; length < bytes.length; length++)
    for (const [device, io] of parseBlkio(serviced, bytes.slice(0, length)))
      assert.deepEqual(io, blkio.get(device));
});

test('garbage is nothing, and quick', () => {
  for (const text of ['\0\u{1}\u{fffd}'.repeat(10_000), '9:9 '.repeat(100_000), 'rbytes='.repeat(100_000)]) {
    assert.deepEqual(parseIoStat(text), new Map());
    assert.deepEqual(parseBlkio(text, text), new Map());
  }
});

test('v1 where its controller is mounted, v2 otherwise, nothing without either', () => {
  const files = (controllers: Parameters<typeof ioSource>[0]): readonly string[] | undefined =>
    ioSource(controllers)?.files('/a');
  assert.deepEqual(files({ v1: { blkio: '/b' }, v2: '/u' }), [
    '/b/a/blkio.throttle.io_serviced',
    '/b/a/blkio.throttle.io_service_bytes',
  ]);
  assert.deepEqual(files({ v1: {}, v2: '/u' }), ['/u/a/io.stat']);
  assert.equal(files({ v1: {}, v2: undefined }), undefined);
});
