import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Hierarchy } from '../../kernel/hierarchy.ts';
import { addressText } from '../../model/address.ts';
import { ignoredPortBits } from '../ports.ts';
import { cgroupPath } from './processes.ts';
import { walkProcfs } from './walk.ts';

const folder = mkdtempSync(join(tmpdir(), 'procfs-'));
after(() => rmSync(folder, { recursive: true }));
const proc = join(folder, 'proc');
const hierarchy: Hierarchy = { version: 1, hierarchyId: 4, mountPoint: join(folder, 'memory') };

const localhost = '0100007F';
const elsewhere = '0200000A'; // 10.0.0.2
const line = (local: number, peer: string, port: number, state: string, inode: number): string =>
  `   0: ${localhost}:${hex(local)} ${peer}:${hex(port)} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0`;
const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

function addProcess(
  pid: number | 'self',
  netns: number,
  cgroup: string,
  fds: readonly string[],
  tcp?: string[],
): void {
  for (const part of ['ns', 'fd', 'net']) mkdirSync(join(proc, `${pid}`, part), { recursive: true });
  symlinkSync(`net:[${netns}]`, join(proc, `${pid}`, 'ns/net'));
  writeFileSync(join(proc, `${pid}`, 'cgroup'), `4:memory:${cgroup}\n0::/\n`);
  fds.forEach((target, fd) => symlinkSync(target, join(proc, `${pid}`, 'fd', String(fd))));
  if (tcp !== undefined) writeFileSync(join(proc, `${pid}`, 'net/tcp'), `header\n${tcp.join('\n')}\n`);
}

const cgroupId = (path: string): number => {
  mkdirSync(join(hierarchy.mountPoint, path), { recursive: true });
  return statSync(join(hierarchy.mountPoint, path)).ino;
};

const host = [
  line(80, '00000000', 0, '0A', 1),
  line(80, localhost, 40001, '01', 2), // accepted
  line(40001, localhost, 80, '01', 3),
  line(40002, elsewhere, 443, '01', 4),
  line(40003, elsewhere, 443, '08', 5),
  line(40004, elsewhere, 443, '02', 6), // not yet
  line(40005, elsewhere, 443, '04', 0), // an orphan
  line(40006, elsewhere, 33000, '01', 7), // an ignored port
  line(40007, elsewhere, 444, '01', 8), // nobody's
  line(40008, 'FEA9FEA9', 443, '01', 9), // 169.254.169.254
];
const pod = [line(40001, localhost, 80, '01', 20), line(40002, elsewhere, 80, '01', 21)];

test('open connections by namespace, owner and cgroup', async () => {
  const [a, b] = [cgroupId('/a'), cgroupId('/b')];
  addProcess('self', 100, '/', [], host);
  addProcess(
    7,
    100,
    '/a',
    ['/dev/null', 'socket:[3]', 'pipe:[4]', 'socket:[4]', 'socket:[x]'],
    ['never read'],
  );
  addProcess(9, 200, '/b', ['socket:[21]', 'socket:[20]', 'socket:[5]'], pod);
  addProcess(11, 200, '/a', ['socket:[21]', 'socket:[2]', 'socket:[7]', 'socket:[9]']);
  mkdirSync(join(proc, '12')); // on its way out
  const ignoredPorts = ignoredPortBits([[32768, 60999]]);
  const shown = async (hostNetnsInode: number): Promise<string[]> => {
    const { open: found } = await walkProcfs({ proc, hierarchy, hostNetnsInode, ignoredPorts });
    const names = new Map([
      [a, 'a'],
      [b, 'b'],
      [0, 'nobody'],
    ]);
    return found
      .map((each) => `${names.get(each.cgroupId)} ${addressText(each.address)}:${each.port} ${each.count}`)
      .sort();
  };
  const expected = ['a 10.0.0.2:443 1', 'a 127.0.0.1:80 1', 'b 10.0.0.2:443 1', 'b 10.0.0.2:80 1'];
  assert.deepEqual(await shown(100), [...expected, 'nobody 10.0.0.2:444 1']);
  assert.deepEqual(await shown(0), [...expected, 'b 127.0.0.1:80 1', 'nobody 10.0.0.2:444 1'].sort());
});

test('who listens, by the last who holds the socket; ignored ports and those of nobody are left out', async () => {
  const [a, b] = [cgroupId('/a'), cgroupId('/b')];
  const listens = [
    line(8080, '00000000', 0, '0A', 31).replace('00000000:00000000 00:', '00000000:00000005 00:'),
    line(33000, '00000000', 0, '0A', 32), // an ignored port
    line(8081, '00000000', 0, '0A', 33), // nobody's
    line(8082, '00000000', 0, '06', 34),
  ];
  addProcess(21, 300, '/a', ['socket:[31]'], listens);
  addProcess(22, 300, '/b', ['socket:[31]', 'socket:[32]', 'socket:[34]']);
  const walked = await walkProcfs({
    proc,
    hierarchy,
    hostNetnsInode: 0,
    ignoredPorts: ignoredPortBits([[32768, 60999]]),
  });
  const own = walked.listens.filter(([, { netnsInode }]) => netnsInode === 300);
  assert.deepEqual(
    own.map(([cgroup, { localAddress, localPort, queue }]) => [
      cgroup === b && cgroup !== a,
      addressText(localAddress),
      localPort,
      queue,
    ]),
    [[true, '127.0.0.1', 8080, 5]],
  );
});

test('a procfs with nothing in it', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const deps = { hierarchy, hostNetnsInode: 0, ignoredPorts: new Uint8Array(8192) };
  assert.deepEqual(await walkProcfs({ proc: empty, ...deps }), { open: [], listens: [] });
  await assert.rejects(walkProcfs({ proc: join(folder, 'nowhere'), ...deps }), { code: 'ENOENT' });
});

test('the path on one hierarchy', () => {
  const text = '12:pids:/p\n4:memory,x:/a:b\n0::/init.scope\n';
  assert.equal(cgroupPath(text, 4), '/a:b');
  assert.equal(cgroupPath(text, 0), '/init.scope');
  assert.equal(cgroupPath(text, 2), undefined);
  for (const odd of ['', '4', '4:', '4:memory', '4:memory:', '4:memory:b', '\0'])
    assert.equal(cgroupPath(odd, 4), undefined, odd);
});
