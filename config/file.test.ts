import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { loadFile, maxFileBytes } from './file.ts';

const directory = mkdtempSync(join(tmpdir(), 'config-file-'));
after(() => rmSync(directory, { recursive: true }));

/** Messages about a real file with these bytes, without its path. */
function messagesOf(content: string | Uint8Array): string[] {
  const path = join(directory, 'agent.yaml');
  writeFileSync(path, content);
  return messagesAbout(path);
}

function messagesAbout(path: string): string[] {
  const { settings, messages } = loadFile(path);
  assert.deepEqual(settings, []);
  assert.ok(
    messages.every((message) => message.startsWith(`file "${path}"`)),
    messages.join('\n'),
  );
  return messages.map((message) => message.slice(`file "${path}"`.length));
}

test('values stay as written', () => {
  const text = '# comment\nregion: 007\nprovider: "a\\tb"\ninstance-type: *x\n'.replace('007', '&x 1e5');
  const { settings, messages } = loadFile('f', () => Buffer.from(text));
  assert.deepEqual(messages, []);
  assert.deepEqual(settings, [
    { option: 'region', text: '1e5', from: 'file "f", line 2, key region' },
    { option: 'provider', text: 'a\tb', from: 'file "f", line 3, key provider' },
    { option: 'instance-type', text: '1e5', from: 'file "f", line 4, key instance-type' },
  ]);
});

test('a file of comments has no options', () => {
  assert.deepEqual(messagesOf('# region: x\n'), []);
  assert.deepEqual(messagesOf('{}'), []);
});

test('what cannot be read is one message', () => {
  assert.deepEqual(messagesAbout(join(directory, 'absent')), [': ENOENT: no such file or directory']);
  assert.deepEqual(messagesAbout(directory), [': is not a regular file']);
  assert.deepEqual(messagesAbout('/dev/zero'), [': is not a regular file']);
  assert.deepEqual(messagesOf(''), [': is empty; a file without options holds {}']);
  assert.deepEqual(messagesOf(Buffer.from([0xff, 0xfe, 0x00])), [': is not UTF-8 text']);
  assert.deepEqual(messagesOf('#'.repeat(10e6)), [`: is larger than ${maxFileBytes / 1024} KiB`]);
});

test('what is no mapping of options is named with its line', () => {
  assert.deepEqual(messagesOf('- region'), [': is not a mapping from option names to values']);
  assert.match(messagesOf('region: x\nlisten: [\n')[0]!, /^, line 3: .*\]/);
  assert.deepEqual(messagesOf('region: a\nregion: b'), [', line 2: Map keys must be unique']);
  assert.match(messagesOf('{"region": "a",\n"listen" ":80"}')[0]!, /^, line 2: /);
  assert.match(messagesOf('region: !!js/function x')[0]!, /^, line 1: Unresolved tag/);
  assert.deepEqual(messagesOf('region:\n  name: x'), [', line 1, key region: a mapping is not a text']);
  assert.deepEqual(messagesOf('\nlisten: [":80"]'), [
    ', line 2, key listen: a list is not an address such as 0.0.0.0:80, :80 or [::]:80',
  ]);
  assert.match(messagesOf('track-public-network: [[x]]')[0]!, /a list is not a network/);
  assert.deepEqual(messagesOf('config: other.yaml'), [', line 1, key config: cannot be set in a file']);
  assert.deepEqual(messagesOf('regoin: x'), [', line 1: unknown key "regoin": did you mean region?']);
  assert.match(messagesOf('[x]: 1')[0]!, /unknown key ""/);
});

test('hostile files end in a message, and soon', () => {
  const bomb = [
    'a: &a [x]',
    ...[...'bcdefghij'].map((name, i) => `${name}: &${name} [${`*${'abcdefghij'[i]},`.repeat(9)}]`),
  ];
  assert.ok(messagesOf(bomb.join('\n')).length > 0);
  assert.ok(messagesOf(`region: ${'['.repeat(50_000)}`).length > 0);
  assert.ok(messagesOf(`region: &r [*r]`).length > 0);
});

test('no text makes parsing throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { settings, messages } = loadFile('f', () => Buffer.from(text));
      assert.ok(Array.isArray(settings) && Array.isArray(messages));
    }),
    { numRuns: 300 },
  );
});
