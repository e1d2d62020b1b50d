/** Secrets in objects of JSON, in whatever way they are escaped: in attributes, bodies and samples. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import masks from '../../config/log-masks.json' with { type: 'json' };
import { maskedJson, maskedObject } from './json-mask.ts';
import { jsonMessage } from './json.ts';
import { masker } from './mask.ts';
import { patterns } from './patterns.ts';
import { room } from './room.ts';

const mask = masker(masks);
const token = `ghp_${'a1'.repeat(18)}`;

for (const [fields, expected] of [
  [String.raw`"dsn":"password\u003dhunter2"`, { dsn: 'password=***' }],
  [String.raw`"dsn":"p\u0061ssword=hunter2"`, { dsn: 'password=***' }],
  [String.raw`"p\u0061ssword":"hunter2"`, { password: '***' }],
  [String.raw`"url":"https:\/\/u:hunter2@db:5432"`, { url: 'https://u:***@db:5432' }],
  [String.raw`"req":"GET / HTTP/1.1\r\nCookie: session=hunter2"`, { req: 'GET / HTTP/1.1\r\nCookie: ***' }],
  [String.raw`"t":"x\n${token}"`, { t: 'x\n***' }],
  [String.raw`"t":"x\tAKIAABCDEFGHIJKLMNOP y"`, { t: 'x\t*** y' }],
  [String.raw`"t":"x\n4111111111111111"`, { t: 'x\n***' }],
  [String.raw`"t":"x\u00004111111111111111"`, { t: 'x\0***' }],
  [String.raw`"t":"x\nme@host.example"`, { t: 'x\n***' }],
  [String.raw`"x\nme@host.example":1`, { 'x\n***': 1 }],
  [String.raw`"t":"x\nme@host.example","password":"hunter2"`, { t: 'x\n***', password: '***' }],
  [String.raw`"password":"hunter2\\","n":7,"ok":true,"none":null`, { password: '***', n: 7, ok: true }],
  [String.raw`"password":"a\"hunter2"`, { password: '***"***' }],
  [String.raw`"inner":"{\"token\":\"hunter2 hunter2\",\"n\":1}"`, { inner: '{"token":"*** ***","n":1}' }],
  [
    String.raw`"env":[{"name":"DB_PASSWORD","value":"hunter2"}],"p":"\\"`,
    { env: '[{"name":"DB_PASSWORD","value":"***"}]', p: '\\' },
  ],
  [
    String.raw`"password":41,"id":12345678901234567890,"n":7,"f":1.5e-7,"p":"\\"`,
    { password: '***', id: '12345678901234567890', n: 7, f: 1.5e-7, p: '\\' },
  ],
  ['"card":4111111111111111,"n":7,"ok":false', { card: '***', n: 7, ok: false }],
  ['"token":null,"n":7', { n: 7 }],
  [
    String.raw`"t":"C:\\new\\table \u2028\ufffe\ud800 \u0001","n":7`,
    { t: 'C:\\new\\table \u2028\ufffe\ud800 \u0001', n: 7 },
  ],
] as const)
  test(fields.slice(0, 70), () => {
    const text = `{"msg":"m",${fields}}`;
    const attributes = jsonMessage(text)!.maskedAttributes(mask);
    assert.deepEqual(Object.fromEntries(attributes), expected);
    const whole = `{${fields}}`;
    const stream = patterns({ limit: 1, maxSampleBytes: 4096, mask, room: room(1e6) });
    stream.count('error', whole);
    const body = maskedObject(whole, mask) ?? mask(whole);
    for (const shown of [body, [...stream.counters()][0]!.sample])
      assert.doesNotMatch(shown, /hunter2|a1a1|AKIA|411111|me@/);
    if (fields.includes('\\')) assert.deepEqual(Object.fromEntries(jsonMessage(body)!.attributes), expected);
  });

test('64 KiB of texts that are escaped are masked in little time', () => {
  for (const part of [
    String.raw`"\n",`,
    String.raw`"\u003d",`,
    String.raw`"a\\"`,
    String.raw`{"\n":1},`,
    '1,',
  ]) {
    const text = `{"p":"\\n","a":[${part.replace(/,?$/, ',').repeat(65_536 / (part.length + 1))}"password=hunter2"]}`;
    const before = process.cpuUsage();
    assert.doesNotMatch(String(jsonMessage(text)!.maskedAttributes(mask)), /hunter2/);
    const ms = process.cpuUsage(before).user / 1000;
    assert.ok(ms < 1000, `${ms} ms: ${part}`);
  }
});

test('what holds no secret stays as it is written', () => {
  const text = '{"a" : "\\u0041\\/", "n": 1.0, "none": null}';
  assert.equal(maskedObject(text, mask), text);
  for (const other of ['{"a":"b"}', '{"a\\', 'a\\b']) assert.equal(maskedObject(other, mask), undefined);
});

test('where masks make no JSON of it, all values are masked', () => {
  const maskedAttributes = (text: string) => jsonMessage(text)!.maskedAttributes(mask);
  assert.deepEqual(maskedAttributes('{"a":"token>x","b":"y</","me@host.example":1}'), [
    ['a', '***'],
    ['b', '***'],
    ['***', '***'],
  ]);
  const deep = `{"p":"\\n","a":${'['.repeat(30_000)}"password=hunter2"${']'.repeat(30_000)}}`;
  assert.deepEqual(maskedAttributes(deep)[0], ['p', '***']);
  assert.doesNotMatch(String(maskedAttributes(deep)), /hunter2/);
  assert.equal(maskedObject(deep, mask), '***');
});

test('whatever is escaped is JSON of the same meaning, but for what is masked', () => {
  for (let code = 0; code < 0x1_0000; code++) {
    const character = String.fromCharCode(code);
    const kept = /[\ufdd0-\ufdef\ufffe\uffff]|[\ud800-\udfff]/.test(character) ? '\ufffd' : character;
    const masked = maskedJson({ t: `x${character}y`, s: 'secret' }, (text) =>
      text.replace('"secret"', '"***"'),
    );
    const read = JSON.parse(masked!) as Record<string, string>;
    const other = { '\u2004': '\t', '\u2006': '\f', '\u2028': '\n', '\u2029': '\r' }[character];
    assert.deepEqual(read, { t: `x${other ?? kept}y`, s: '***' }, code.toString(16));
  }
});
