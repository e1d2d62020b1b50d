import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { criDecoder, dockerDecoder, plainDecoder, type Decode } from './decoders.ts';
import { joiner } from './joiner.ts';

type Raw = string | { readonly b64: string };

interface Vector {
  readonly id: string;
  readonly decoder: 'docker' | 'cri';
  readonly raw?: Raw;
  readonly lines?: readonly Raw[];
  readonly expect: { readonly content?: string; readonly error?: boolean } & readonly { message: string }[];
}

const bytesOf = (raw: Raw): Buffer =>
  typeof raw === 'string' ? Buffer.from(raw) : Buffer.from(raw.b64, 'base64');
const vectors = readFileSync(new URL('../../test/log-vectors/decoders.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Vector);
const decoderOf = (name: 'docker' | 'cri'): Decode => (name === 'docker' ? dockerDecoder() : criDecoder());

test('single lines decode as in the reference', () => {
  const singles = vectors.filter(({ raw }) => raw !== undefined);
  assert.equal(singles.length, 55);
  for (const { id, decoder, raw, expect } of singles) {
    const got = decoderOf(decoder)(bytesOf(raw!));
    if (expect.error === true) assert.equal(got, undefined, id);
    // The reference leaves Docker's newline on the text.
    else if (decoder === 'docker') assert.equal(got!.text + (got!.isPartial ? '' : '\n'), expect.content, id);
    else assert.equal(got!.text, expect.content, id);
  }
});

test('lines of one file decode as in the reference, but for parts, which are joined', () => {
  const sequences = vectors.filter(({ lines }) => lines !== undefined);
  assert.equal(sequences.length, 10);
  for (const { id, decoder, lines, expect } of sequences) {
    const got: string[] = [];
    const decode = decoderOf(decoder);
    const join = joiner(({ text }) => got.push(text));
    for (const [i, line] of lines!.entries()) {
      const decoded = decode(bytesOf(line));
      if (decoded !== undefined) join.add(decoded, i, 0);
    }
    join.flush();
    const messages = expect.map(({ message }) => message);
    // m-dc-056, m-dc-062: two messages in the reference, which knows no parts, one here.
    const isParted = id === 'm-dc-056' || id === 'm-dc-062';
    if (isParted) assert.deepEqual(got, [messages.join(' ')], id);
    // Messages of several lines are assembled elsewhere, which also trims them.
    else assert.equal(got.join('\n').trim(), messages.join('\n'), id);
  }
});

test('stream and time are kept', () => {
  const timeMs = Date.UTC(2031, 0, 2, 3, 4, 5, 678);
  const docker = '{"log":"a\\n","stream":"stderr","time":"2031-01-02T03:04:05.678901234Z"}';
  const cri = '2031-01-02T04:04:05.678901234+01:00 stdout F a';
  assert.deepEqual(dockerDecoder()(Buffer.from(docker)), {
    text: 'a',
    isPartial: false,
    stream: 'stderr',
    timeMs,
  });
  assert.deepEqual(criDecoder()(Buffer.from(cri)), { text: 'a', isPartial: false, stream: 'stdout', timeMs });
  for (const odd of ['"stream":5', '"stream":"pty"', '"time":5', '"time":"noon"'])
    assert.deepEqual(dockerDecoder()(Buffer.from(`{"log":"a",${odd}}`)), {
      text: 'a',
      isPartial: true,
      stream: '',
    });
});

test('plain lines: what is no UTF-8 is dropped', () => {
  const decode = plainDecoder();
  assert.deepEqual(decode(Buffer.from('é\0\r')), { text: 'é\0\r', isPartial: false, stream: '' });
  assert.equal(decode(Buffer.from('a\xff', 'latin1')), undefined);
  assert.equal(criDecoder()(Buffer.from('t s F a\xff', 'latin1')), undefined);
});

test('a character that CRI has torn is put together', () => {
  for (const character of ['é', '€', '😀']) {
    const bytes = Buffer.from(character);
    for (let at = 1; at < bytes.length; at++) {
      const decode = criDecoder();
      const head = decode(Buffer.concat([Buffer.from('t stdout P a'), bytes.subarray(0, at)]))!;
      const other = decode(Buffer.from('t stderr F other'))!;
      const tail = decode(Buffer.concat([Buffer.from('t stdout F '), bytes.subarray(at), Buffer.from('b')]))!;
      assert.deepEqual([head.text + tail.text, other.text], [`a${character}b`, 'other']);
    }
  }
  assert.equal(criDecoder()(Buffer.from('t stdout P a\xff\xff\xff\xff', 'latin1')), undefined);
});

test('deep and wide JSON ends nothing', () => {
  const decode = dockerDecoder();
  assert.equal(decode(Buffer.from('['.repeat(200_000))), undefined);
  assert.equal(decode(Buffer.from('{"a":'.repeat(50_000))), undefined);
  assert.equal(
    decode(Buffer.from(`{"__proto__":{"log":"b"},"log":"a\\n","x":${'['.repeat(9000)}${']'.repeat(9000)}}`))!
      .text,
    'a',
  );
});
