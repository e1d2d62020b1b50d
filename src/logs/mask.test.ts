import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import masks from '../../config/log-masks.json' with { type: 'json' };
import { masker, type MaskRule } from './mask.ts';
import { wordsOf } from './pattern.ts';

const mask = masker(masks);

/** Numbers of a linear congruential generator (Knuth), the same in each run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const base64 = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJ/Ut9U+8cKj';
const key = [`-----BEGIN RSA PRIVATE KEY-----`, base64, base64, 'AbC1+/==', '-----END RSA PRIVATE KEY-----'];

for (const [what, text, expected] of [
  ['authorisation', 'Authorization: Bearer a1.b-c/d= sent', 'Authorization: Bearer *** sent'],
  ['authorisation', 'Proxy-Authorization=Basic dXNlcjpwYXNz==, x', 'Proxy-Authorization=Basic ***, x'],
  ['authorisation', '{"authorization":"a1b2"}', '{"authorization":"***"}'],
  ['authorisation', 'map[Authorization:[Bearer xx1] Host:[h]]', 'map[Authorization:[Bearer ***] Host:[h]]'],
  ['authorisation', 'Authorization: header missing', 'Authorization: header missing'],
  [
    'authorisation',
    `Authorization: AWS4-HMAC-SHA256 Credential=A1/2, Signature=f0`,
    'Authorization: AWS4-HMAC-SHA256 ***, Signature=***',
  ],
  [
    'authorisation',
    `Authorization: Digest username="u", response="${'a1'.repeat(16)}"`,
    'Authorization: Digest username="u", response="***"',
  ],
  ['bearer', 'with Bearer abcdefgh1 refused', 'with Bearer *** refused'],
  ['bearer', 'Bearer authentication refused', 'Bearer authentication refused'],
  ['cookies', 'Cookie: a=b1; c=d2 more', 'Cookie: *** *** more'],
  ['URL', 'postgres://u:p@s(s@h/db down', 'postgres://u:***(***@h/db down'],
  ['URL', 'postgres://u:pa/ss@h/db', 'postgres://u:***@h/db'],
  ['URL', 'http://host:80/path@x', 'http://host:80/path@x'],
  ['URL', 'https://0123456789abcdef0123@example.test/x', 'https://***@example.test/x'],
  ['URL', '/x?token=abc&page=2', '/x?token=***&page=2'],
  ['values', 'DB_PASSWORD=hunter2 user=x', 'DB_PASSWORD=*** user=x'],
  ['values', 'user=a,password=b,c,host=d', 'user=a,password=***,host=d'],
  ['values', '(password=x1)y', '(password=***)y'],
  ['values', 'apiKey = k1', 'apiKey = ***'],
  ['values', 'password="a\\"b c" d', 'password="***\\"*** ***" d'],
  ['values', "{'secret': 'it'}", "{'secret': '***'}"],
  ['values', '"{\\"token\\":\\"a b\\"}"', '"{\\"token\\":\\"*** ***\\"}"'],
  ['values', 'password: hunter', 'password: ***'],
  ['values', 'password: incorrect', 'password: incorrect'],
  ['values', 'token: expired', 'token: expired'],
  ['values', 'token: a1b2', 'token: ***'],
  ['values', 'Unexpected token: }', 'Unexpected token: }'],
  ['values', 'max_tokens=5 tokenizer: a1', 'max_tokens=5 tokenizer: a1'],
  ['pairs', '{"name":"DB_PASSWORD","value":"hunter2"}', '{"name":"DB_PASSWORD","value":"***"}'],
  ['pairs', '- name: DB_PASSWORD\n  value: hunter2', '- name: DB_PASSWORD\n  value: ***'],
  ['pairs', '{"name":"port","value":"80"}', '{"name":"port","value":"80"}'],
  ['lists', '"X-Api-Key":["abc123"]', '"X-Api-Key":["***"]'],
  ['lists', '["--password","hunter2"]', '["--password","***"]'],
  ['lists', 'wrong token, "expected" a', 'wrong token, "expected" a'],
  ['tokens', `key hf_${'a1'.repeat(17)} refused`, 'key *** refused'],
  ['tokens', 'https://hooks.slack.com/services/T0/B0/abcdefghij12', 'https://hooks.slack.com/services/***'],
  ['values', 'run --db-password s3 --verbose', 'run --db-password *** --verbose'],
  ['values', `IDENTIFIED BY 'x y'`, `IDENTIFIED BY '*** ***'`],
  ['values', '<password>a b</password>', '<password>*** ***</password>'],
  ['private keys', `${key.join('\n')}\nnext`, `${key[0]}\n***\n${key.at(-1)}\nnext`],
  ['private keys', `"${key.join('\\n')}"`, `"${key[0]}\\n***\\n${key.at(-1)}"`],
  ['private keys', `${key[0]}\n${base64}\n${base64.slice(0, 9)}`, `${key[0]}\n***`],
  ['private keys', `${key[0]}\n${base64}\nerror follows`, `${key[0]}\n***\nerror follows`],
  ['public keys', '-----BEGIN PUBLIC KEY-----\nMIIB', '-----BEGIN PUBLIC KEY-----\nMIIB'],
  ['tokens', `got ghp_${'a1'.repeat(18)}, AKIAABCDEFGHIJKLMNOP`, 'got ***, ***'],
  ['tokens', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.a-b_c', '***'],
  ['e-mail', 'mail to <joe.x+y@mail.example.com>, now', 'mail to <***>, now'],
  ['e-mail', 'lodash@4.17.21 user@host', 'lodash@4.17.21 user@host'],
  ['cards', 'card 15 4111 1111 1111 1111.', 'card 15 ***.'],
  ['cards', 'card=5500-0000-0000-0004, at 1930000000123456789', 'card=***, at 1930000000123456789'],
  ['cards', 'id 4111111111111112 x4111111111111111', 'id 4111111111111112 x4111111111111111'],
] as const)
  test(`${what}: ${text.slice(0, 60).replaceAll('\n', ' ')}`, () => {
    assert.equal(mask(text), expected);
    assert.equal(mask(expected), expected);
    assert.deepEqual(
      wordsOf(mask(text)),
      wordsOf(text).filter((word) => wordsOf(mask(text)).includes(word)),
    );
  });

/** What secrets are given in, § being the secret. */
const places = [
  'password=§',
  'DB_PASSWORD = §',
  'api_key:§',
  'token: §',
  'secret="§"',
  `'secret': '§'`,
  '{"client_secret":"§","a":[1]}',
  '{\\"token\\":\\"§\\"}',
  '(password=§)',
  '[pwd=§]',
  'user=u,password=§,host=h',
  '/x?access_token=§&page=2',
  '--password §',
  'Authorization: Bearer §',
  'authorization="Basic §"',
  'map[Authorization:[Token §]]',
  'Cookie: sid=§; theme=dark1',
  'amqp://user:§@host:5672/v',
  '<password>§</password>',
];
const symbols = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%*+-._~^|';
const neighbours = [
  'failed',
  'for',
  '17',
  'user-x',
  '"quoted text"',
  "it's",
  "don't",
  '(in brackets)',
  '[7]',
  'x(y)z',
  '{',
  'a=b',
  'key:',
  'end.',
  '-',
  '\n\tat',
  '\\"',
  "'",
  '"',
  '10.0.0.1:80,',
  'deadbeef',
  'E\u00e9',
];
const fixed = ['4111 1111 1111 1111', '5500-0000-0000-0004', 'joe.doe7@mail.example.com', key.join('\n')];

test('the pattern of a sample is that of the message, and no secret is left', () => {
  const below = generator(20_310_102);
  const one = <Value>(values: ArrayLike<Value>): Value => values[below(values.length)]!;
  const some = (): string => Array.from({ length: below(5) }, () => one(neighbours)).join(' ');
  let [checked, tried] = [0, 0];
  for (; tried < 20_000; tried++) {
    const isFixed = below(5) === 0;
    const secret = isFixed ? one(fixed) : Array.from({ length: 8 + below(30) }, () => one(symbols)).join('');
    // Of others a part may be in a word of the pattern, which a mask takes away.
    if (!isFixed && !/^(?!--).*[!#$%*+~^|]./.test(secret)) continue;
    const place = isFixed ? '§' : one(places);
    const text = `${some()} ${place.replace('§', () => secret)} ${some()}`;
    const masked = mask(text);
    assert.deepEqual(wordsOf(masked), wordsOf(text), `${text}\n${masked}`);
    assert.ok(!masked.includes(secret.split('\n')[1] ?? secret), `${text}\n${masked}`);
    assert.equal(mask(masked), masked);
    checked++;
  }
  assert.ok(checked > tried / 2, `${checked} of ${tried}`);
});

test('quotes and brackets stay as they are, whatever comes', () => {
  const below = generator(7);
  const pieces = [
    'password',
    'token',
    'Authorization',
    'Bearer ',
    'Basic ',
    '=',
    ':',
    ': ',
    '"',
    "'",
    '\\',
    '\\"',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    ';',
    '&',
    ' ',
    '\n',
    '://',
    '@',
    '/',
    'a',
    '7',
    'x1.y',
    'Cookie: ',
    '<',
    '>',
    '4111 1111 1111 1111',
    'joe@x.com',
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE KEY-----',
    base64,
    '***',
  ];
  const skeleton = (text: string): string => text.replace(/\\(?!["'])|[^"'()[\]{}\\]/g, '');
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: 1 + below(25) }, () => pieces[below(pieces.length)]!).join('');
    assert.equal(skeleton(mask(text)), skeleton(text), text);
  }
});

test('64 KiB of anything are masked in little time', () => {
  const parts = [
    'password',
    'password=',
    'password="',
    "token:'",
    'token: ',
    'secret=\\"',
    'secret=,a',
    'secret=(',
    '://',
    '://a:',
    '://a:1/',
    '@',
    'a@',
    'a.',
    'a@a.',
    '1',
    '1 ',
    '4111 ',
    '4-',
    'eyJ',
    '-eyJ',
    'sk-',
    '-sk-',
    'ghp_',
    'Bearer ',
    'Authorization: ',
    'Authorization: Digest ',
    'Cookie: a=b;',
    'a=b;',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----\n',
    '-----BEGIN ',
    '--',
    '--password ',
    '<password>',
    'identified by ',
    'passw',
    'api-key-',
    'A',
    '\\',
    '"',
    '(',
    ' ',
    '\n',
    '\u{1f525}',
    'xoxa-',
    'SG.',
  ];
  for (const part of parts)
    for (const text of ['', 'password="', '-----BEGIN PRIVATE KEY-----', '://u:'].map((start) =>
      (start + part.repeat(65_536 / part.length)).slice(0, 65_536),
    )) {
      const before = process.cpuUsage();
      mask(text);
      const ms = process.cpuUsage(before).user / 1000;
      assert.ok(ms < 200, `${ms} ms: ${text.slice(0, 60)}`);
    }
});

/** Without what looks around, a pattern fits all that it fits, and more. */
function withoutLooks(pattern: string): string {
  const start = /\(\?<?[=!]/.exec(pattern)?.index;
  if (start === undefined) return pattern.replaceAll('\\b', '');
  let isClass = false;
  for (let at = start, depth = 0; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (isClass) isClass = pattern[at] !== ']';
    else if (pattern[at] === '[') isClass = true;
    else if (pattern[at] === '(') depth++;
    else if (pattern[at] === ')' && --depth === 0)
      return withoutLooks(pattern.slice(0, start) + pattern.slice(at + 1));
  }
  throw new SyntaxError(pattern);
}

const ruleNeeds = masks.rules.flatMap(({ name, pattern, needs }: MaskRule) => {
  const found = needs ?? (pattern.includes('{{name}}') ? masks.names : undefined);
  return found ? [{ name, pattern, needs: found }] : [];
});
const parts = masks.parts as Readonly<Record<string, string>>;

for (const { name, pattern, needs } of [
  { name: 'name', pattern: '{{name}}', needs: masks.names },
  ...ruleNeeds,
])
  test(`${name}: what it fits has what it needs`, () => {
    const whole = withoutLooks(
      pattern.replace(/\{\{(\w+)\}\}/g, (_, part: string) => parts[part]!),
    ).replaceAll('(?<secret>', '(?:');
    fc.assert(
      fc.property(fc.stringMatching(new RegExp(`^(?:${whole})$`)), (text) =>
        needs.some((need) => text.toLowerCase().includes(need)),
      ),
      { numRuns: 2000, seed: 20_310_102 },
    );
  });

test('what looks for less masks the same', () => {
  const rules = masks.rules.map((rule: MaskRule) => {
    const { ...whole }: { -readonly [Key in keyof MaskRule]: MaskRule[Key] } = rule;
    delete whole.needs;
    return whole;
  });
  const all = masker({ parts, rules });
  const below = generator(99);
  const pieces = [
    ...places,
    ...neighbours,
    ...fixed,
    ...masks.names,
    ...masks.rules.flatMap(({ needs }: MaskRule) => needs ?? []),
  ];
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: 1 + below(8) }, () => pieces[below(pieces.length)]!)
      .join(below(2) === 0 ? ' ' : '')
      .replaceAll('§', () =>
        Array.from({ length: 8 + below(40) }, () => symbols[below(symbols.length)]!).join(''),
      );
    const said = below(3) === 0 ? text.toUpperCase() : text;
    assert.equal(mask(said), all(said));
  }
});

test('a rule that is none is told', () => {
  const rule = { name: 'x', stays: '' };
  assert.throws(() => masker({ parts: {}, rules: [{ ...rule, pattern: '(' }] }), SyntaxError);
  assert.throws(() => masker({ parts: {}, rules: [{ ...rule, pattern: '{{nothing}}' }] }), SyntaxError);
});
