import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { languageOf, languages, type Language } from './languages.ts';

/** An ELF file with these sections. */
function elf(sections: Readonly<Record<string, string>>): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x7f454c46);
  header.set([2, 1, 1], 4);
  const names = Buffer.from(`\0${Object.keys(sections).join('\0')}\0.shstrtab\0`);
  const bodies = [...Object.values(sections).map((text) => Buffer.from(text)), names];
  const table = Buffer.alloc(64 * bodies.length);
  let at = 64;
  for (const [i, body] of bodies.entries()) {
    const name = [...Object.keys(sections), '.shstrtab'][i]!;
    table.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, i * 64);
    table.writeBigUInt64LE(BigInt(at), i * 64 + 24);
    table.writeBigUInt64LE(BigInt(body.length), i * 64 + 32);
    at += body.length;
  }
  header.writeBigUInt64LE(BigInt(at), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(bodies.length, 60);
  header.writeUInt16LE(bodies.length - 1, 62);
  return Buffer.concat([header, ...bodies, table]);
}

const inMemory = (bytes: Buffer) =>
  ({
    read: (into: Buffer, { position }: { position: number }) => {
      const bytesRead = position < bytes.length ? bytes.copy(into, 0, position) : 0;
      return Promise.resolve({ bytesRead, buffer: into });
    },
  }) as unknown as Parameters<typeof languageOf>[0];

const of = (bytes: Buffer): Promise<Language | undefined> => languageOf(inMemory(bytes));

test('Go by its build information, Rust by the name of its compiler', async () => {
  assert.equal(await of(elf({ '.text': 'x', '.go.buildinfo': 'go1.25' })), 'golang');
  assert.equal(await of(elf({ '.comment': 'GCC\0rustc version 1.90.0\0' })), 'rust');
  assert.equal(await of(elf({ '.comment': 'GCC', '.go.build': 'x' })), undefined);
});

test('what is cut short, lies about its size or is no ELF file has no language', async () => {
  const whole = elf({ '.comment': 'rustc', '.go.buildinfo': 'x' });
  for (let length = 0; length < whole.length; length += 7) await of(whole.subarray(0, length));
  for (const at of [24, 40, 60, 62]) {
    const lying = Buffer.from(whole);
    lying.fill(0xff, at, at + 2);
    await of(lying);
  }
  const far = Buffer.from(whole);
  far.writeBigUInt64LE(2n ** 53n - 1n, 40);
  assert.equal(await of(far), undefined);
  assert.equal(await of(Buffer.from('#!/bin/sh\n'.repeat(20))), undefined);
});

test('each file is asked for by path and answered once it is known; one that is missing stops nobody', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'languages-'));
  t.after(() => rm(folder, { recursive: true }));
  const go = join(folder, 'go');
  await writeFile(go, elf({ '.go.buildinfo': 'x' }));
  const asker = languages();
  const answers: string[] = [];
  await new Promise<void>((resolve) => {
    asker.ask(join(folder, 'missing'), () => answers.push('missing'));
    asker.ask(go, (language) => answers.push(language));
    asker.ask(go, (language) => {
      answers.push(language);
      resolve();
    });
  });
  assert.deepEqual(answers, ['golang', 'golang']);
});
