import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentError } from '../errors.ts';
import { readText } from './files.ts';

test('text up to the limit as it is, beyond it EFBIG', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'files-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  for (const sizeBytes of [0, 1, 16_384, 16_385, 99_999, 100_000]) {
    // Letters of three bytes lie across the pieces that are read.
    const text = '€'.repeat(sizeBytes / 3) + 'x'.repeat(sizeBytes % 3);
    await writeFile(path, text);
    assert.equal(await readText(path, 100_000), text);
  }
  await writeFile(path, 'x'.repeat(100_001));
  await assert.rejects(readText(path, 100_000), { code: 'EFBIG', path });
  await assert.rejects(readText('/dev/zero'), { code: 'EFBIG' });
});

test('what cannot be read is an AgentError with its code and path', async () => {
  for (const [path, code] of [
    ['/proc/absent', 'ENOENT'],
    ['/proc', 'EISDIR'],
    ['/proc/stat/x', 'ENOTDIR'],
    ['/proc/\0', 'ERR_INVALID_ARG_VALUE'],
  ] as const) {
    await assert.rejects(readText(path), (error) => {
      assert.ok(error instanceof AgentError);
      assert.deepEqual([error.code, error.path], [code, path]);
      return true;
    });
  }
});
