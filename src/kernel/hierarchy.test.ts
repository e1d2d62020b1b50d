import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { HostPaths } from '../host/paths.ts';
import { findCgroup2Root } from './cgroup2-root.ts';
import { findHierarchy, memoryHierarchyId } from './hierarchy.ts';
import { parseMountinfo } from './mountinfo.ts';

const folder = mkdtempSync(join(tmpdir(), 'hierarchy-'));
after(() => rmSync(folder, { recursive: true }));

/** A captured machine; `undefined` leaves the file out. */
function host(name: string, cgroups: string | undefined, mountinfo: string | undefined): HostPaths {
  const proc = join(folder, name);
  mkdirSync(join(proc, 'self'), { recursive: true });
  if (cgroups !== undefined) writeFileSync(join(proc, 'cgroups'), cgroups);
  if (mountinfo !== undefined) writeFileSync(join(proc, 'self/mountinfo'), mountinfo);
  return { proc, sys: '/sys', root: '', cgroup: '/sys/fs/cgroup' };
}

const header = '#subsys_name\thierarchy\tnum_cgroups\tenabled\n';
const hybridMounts = [
  '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
  '40 99 0:31 / /host/memory rw - cgroup cgroup rw,memory',
  '35 31 0:31 / /sys/fs/cgroup/memory,hugetlb rw,relatime shared:9 - cgroup cgroup rw,memory,hugetlb',
  '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
].join('\n');

test('memory on v1 counts on hybrid hosts, by whatever name it is mounted', () => {
  const paths = host('hybrid', `${header}cpu\t1\t1\t1\nmemory\t4\t13\t1\n`, hybridMounts);
  assert.deepEqual(findHierarchy(paths, undefined), {
    version: 1,
    hierarchyId: 4,
    mountPoint: '/sys/fs/cgroup/memory,hugetlb',
  });
});

test('v2 counts where memory is on no v1 hierarchy', () => {
  const paths = host(
    'v2',
    `${header}memory\t0\t13\t1\n`,
    '30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
  );
  assert.deepEqual(findHierarchy(paths, '/elsewhere'), {
    version: 2,
    hierarchyId: 0,
    mountPoint: '/elsewhere',
  });
});

test('a host that says nothing is taken for v2', () => {
  const paths = host('silent', undefined, undefined);
  assert.deepEqual(findHierarchy(paths, undefined), {
    version: 2,
    hierarchyId: 0,
    mountPoint: '/sys/fs/cgroup',
  });
});

test('/proc/cgroups that is cut, empty or odd', () => {
  for (const text of ['', header, 'memory', 'memory\t', 'memory\t4', 'memory\tx\t1\t1', '\0'.repeat(4096)])
    assert.equal(memoryHierarchyId(text), 0, JSON.stringify(text.slice(0, 20)));
});

test('the v2 root is looked for at the usual places first, then where it is mounted', () => {
  const paths = host('roots', '', '41 31 0:38 / /run/c\\040group rw - cgroup2 none rw');
  const asked: string[] = [];
  const nothing = (path: string): boolean => {
    asked.push(path);
    return false;
  };
  assert.equal(findCgroup2Root(paths, nothing), undefined);
  assert.deepEqual(asked.slice(0, 3), ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/run/c group']);
  assert.equal(
    findCgroup2Root(paths, (path) => path.endsWith('unified')),
    '/sys/fs/cgroup/unified',
  );
});

test('a directory that is no cgroup root is not one', () => {
  const paths = host('plain', undefined, undefined);
  assert.equal(findCgroup2Root({ ...paths, cgroup: folder }), undefined);
});

test('mountinfo lines that do not parse are left out', () => {
  assert.deepEqual(parseMountinfo('\n1 2 3\n - \n1 2 0:1 / /a rw - \n1 2 0:1 /r /b rw x:1 y - ext4 dev'), [
    {
      ...{ id: 1, device: '0:1', root: '/r', mountPoint: '/b' },
      ...{ isReadOnly: false, type: 'ext4', superOptions: [] },
    },
  ]);
  const mounts = parseMountinfo(
    '1 2 8:1 / /a\\040b\\134 ro,relatime - ext4 d rw\n2 2 8:1 / /c rw - ext4 d ro\n2 2 8:1 / /d rw,nosuid - ext4 d rw,errors=remount-ro',
  );
  assert.deepEqual(
    mounts.map(({ mountPoint, isReadOnly }) => [mountPoint, isReadOnly]),
    [
      ['/a b\\', true],
      ['/c', true],
      ['/d', false],
    ],
  );
});
