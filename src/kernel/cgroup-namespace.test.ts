import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { cgroupNamespaceRoot } from './cgroup-namespace.ts';

test('where a namespace begins is found by its directory', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'hierarchy-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'a/b/c'), { recursive: true });
  mkdirSync(join(root, 'd'));
  assert.equal(cgroupNamespaceRoot(root, join(root, 'a/b')), '/a/b');
  assert.equal(cgroupNamespaceRoot(root, join(root, 'd')), '/d');
  assert.equal(cgroupNamespaceRoot(root, root), '', 'that of the host');
  assert.equal(cgroupNamespaceRoot(join(root, 'a'), join(root, 'd')), '', 'not below it');
  assert.equal(cgroupNamespaceRoot(root, '/proc'), '', 'of another hierarchy');
  assert.equal(cgroupNamespaceRoot(root, join(root, 'gone')), '');
});
