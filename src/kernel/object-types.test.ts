import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../errors.ts';
import { readObjectTypes } from './object-types.ts';

const source = `
enum colour { RED = 1, BLUE = -2 };
typedef unsigned long long u64;
struct inner { char tag; int number; };
struct outer {
  u64 first;
  unsigned char bytes[3];
  const volatile unsigned short half;
  void *pointer;
  struct inner pair[2];
  enum colour colour;
  union { int left; u64 right; } either;
  unsigned bits : 3;
};
#define AT(member, offset) _Static_assert(__builtin_offsetof(struct outer, member) == offset, #member)
AT(first, 0); AT(bytes, 8); AT(half, 12); AT(pointer, 16); AT(pair, 24); AT(colour, 40); AT(either, 48);
_Static_assert(sizeof(struct outer) == 64, "size");
struct outer zero;
int filled = 7;
u64 other = 8;
`;

const folder = mkdtempSync(join(tmpdir(), 'btf-'));
after(() => rmSync(folder, { recursive: true }));
const object = join(folder, 'types.o');
const clang = spawnSync('clang', ['-g', '-target', 'bpf', '-x', 'c', '-c', '-', '-o', object], {
  input: source,
});
const skip = clang.error === undefined ? false : 'clang is missing';

test('layouts are those of the compiler', { skip }, () => {
  assert.equal(String(clang.stderr), '');
  const { layouts, enums } = readObjectTypes(readFileSync(object));
  assert.deepEqual(layouts.get('inner'), {
    size: 8,
    fields: { tag: { offset: 0, size: 1, length: 1 }, number: { offset: 4, size: 4, length: 1 } },
  });
  const outer = layouts.get('outer');
  assert.equal(outer?.size, 64);
  assert.deepEqual(
    Object.fromEntries(Object.entries(outer.fields).map(([name, at]) => [name, Object.values(at)])),
    {
      first: [0, 8, 1],
      bytes: [8, 3, 3],
      half: [12, 2, 1],
      pointer: [16, 8, 1],
      pair: [24, 16, 2],
      colour: [40, 4, 1],
      either: [48, 8, 1],
    },
  );
  assert.deepEqual(enums.get('colour'), { RED: 1, BLUE: -2 });
});

test('global variables lie where the object puts them', { skip }, () => {
  const file = readFileSync(object);
  const data = readObjectTypes(file).layouts.get('.data');
  assert.equal(data?.size, 16);
  assert.deepEqual(data.fields, {
    filled: { offset: 0, size: 4, length: 1 },
    other: { offset: 8, size: 8, length: 1 },
  });
  assert.deepEqual(readObjectTypes(file).layouts.get('.bss')?.fields, {
    zero: { offset: 0, size: 64, length: 1 },
  });
});

test('cut or damaged objects are read or refused, never worse', { skip }, () => {
  const file = readFileSync(object);
  const read = (bytes: Uint8Array): void => {
    try {
      readObjectTypes(bytes);
    } catch (error) {
      assert.ok(error instanceof AgentError, String(error));
    }
  };
  for (let length = 0; length < file.length; length += 7) read(file.subarray(0, length));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      (changes) => {
        const damaged = Buffer.from(file);
        for (const [at, byte] of changes) damaged[at] = byte;
        read(damaged);
      },
    ),
    { numRuns: 2000 },
  );
});
