import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedContainer } from '../model/containers.ts';
import { unitId, units } from './units.ts';

test('the unit of a cgroup', () => {
  assert.equal(unitId('/system.slice/nginx.service'), '/system.slice/nginx.service');
  assert.equal(unitId('/system.slice/nginx.service/inner/deep'), '/system.slice/nginx.service');
  assert.equal(unitId('/system.slice/my\\x2dapp.service'), '/system.slice/my-app.service');
  for (const none of ['', '/', '/init.scope', 'system.slice/a.service', '//a', '/a/', '/docker/web'])
    assert.equal(unitId(none), undefined, none);
});

test('containers are found by id, and looked for again once a second', () => {
  let nowMs = 0;
  let reads = 0;
  const all: ListedContainer[] = [{ id: '/a/b' } as ListedContainer];
  const found = units({ all: () => (reads++, all) }, () => nowMs);
  assert.equal(found.of('/a/b'), all[0]);
  all.push({ id: '/a/c' } as ListedContainer);
  assert.equal(found.of('/a/c'), undefined, 'just looked');
  nowMs = 1000;
  assert.equal(found.of('/a/c'), all[1]);
  nowMs = 5000;
  assert.equal(found.of('/a/b'), all[0]);
  assert.equal(reads, 2);
  all[0] = { id: '/a/b' } as ListedContainer;
  nowMs = 11_000;
  assert.equal(found.of('/a/b'), all[0], 'another object under the same id');
});
