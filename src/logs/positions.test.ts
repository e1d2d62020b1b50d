import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Position } from './followed.ts';
import { openPositions, type Positions, type PositionsOptions } from './positions.ts';
import { temporary } from './tail.fixture.ts';

const position = (offset: number): Position => ({
  device: '2049',
  inode: '18446744073709551615',
  offset,
  fingerprint: offset === 0 ? '0:' : '64:47DEQpj8HBSa+/TImW+5JCeuQeR=',
});
const isRoot = process.getuid!() === 0;

async function opened(path: string, options: Partial<PositionsOptions> = {}) {
  const said: string[] = [];
  const say = (_: object, message: string) => said.push(message);
  const positions = await openPositions(path, { log: { info: say, warn: say }, ...options });
  return { positions, said };
}

const all = (positions: Positions, ids: readonly string[]): (Position | undefined)[] =>
  ids.map((id) => positions.get(id));

async function until(is: () => boolean): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!is() && Date.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(is());
}

test('positions come back after a restart; nobody else may read them', async (t) => {
  const path = join(temporary(t), 'made/state');
  const first = await opened(path);
  const now = new Map([
    ['a', position(1)],
    ['__proto__', position(2)],
  ]);
  first.positions.keep(() => now);
  await first.positions.close();
  assert.deepEqual(readdirSync(path), ['positions.json']);
  assert.deepEqual(
    [statSync(path).mode & 0o777, statSync(join(path, 'positions.json')).mode & 0o777],
    [0o700, 0o600],
  );
  const second = await opened(path);
  assert.deepEqual(all(second.positions, ['a', '__proto__', 'b']), [position(1), position(2), undefined]);
  await second.positions.close();
  assert.deepEqual([first.said, second.said, second.positions.figures.writes], [[], [], 0]);
});

test('written while something changes, and only then; without an end too', async (t) => {
  const path = temporary(t);
  const { positions } = await opened(path, { everyMs: 10 });
  let now: [string, Position][] = [['a', position(1)]];
  let asked = 0;
  positions.keep(() => (asked++, now));
  await until(() => positions.figures.writes === 1);
  const before = asked;
  await until(() => asked > before + 3);
  assert.equal(positions.figures.writes, 1);
  now = [['b', position(2)]];
  await until(() => positions.figures.writes === 2);
  // Killed: nobody has closed anything.
  const next = await opened(path);
  assert.deepEqual(all(next.positions, ['a', 'b']), [undefined, position(2)]);
  await positions.close();
  await next.positions.close();
});

test('who is not there yet keeps its position', async (t) => {
  const path = temporary(t);
  const first = await opened(path);
  first.positions.keep(() => [['a', position(1)]]);
  await first.positions.close();
  const second = await opened(path);
  second.positions.keep(() => [['b', position(1)]]);
  await second.positions.close();
  const third = await opened(path);
  assert.deepEqual(all(third.positions, ['a', 'b']), [position(1), position(1)]);
  await third.positions.close();
});

test('bounded: the oldest leave, and are counted', async (t) => {
  const path = temporary(t);
  const first = await opened(path, { maxEntries: 10 });
  first.positions.keep(() => Array.from({ length: 15 }, (_, i) => [`id-${i}`, position(i)] as const));
  await first.positions.close();
  assert.deepEqual([first.positions.figures.entries, first.positions.figures.dropped], [10, 5]);
  const second = await opened(path, { maxEntries: 3 });
  assert.deepEqual(all(second.positions, ['id-11', 'id-12']), [undefined, position(12)]);
  assert.equal(second.positions.figures.dropped, 7);
  await second.positions.close();
});

test('a damaged file is set aside, and told once', async (t) => {
  for (const text of [
    '',
    'null',
    '{"version":1,"positions":{"a":{"device":"1"',
    '{"version":2,"positions":{}}',
    '{"version":1,"positions":{"a":null}}',
    '{"version":1,"positions":{"a":{"device":"1","inode":"2","offset":-1,"fingerprint":"0:"}}}',
    '{"version":1,"positions":{"a":{"device":"1","inode":"x","offset":1,"fingerprint":"0:"}}}',
    '{"version":1,"positions":{"a":{"device":"1","inode":"1","offset":1,"fingerprint":"1e9:"}}}',
  ]) {
    const path = temporary(t);
    writeFileSync(join(path, 'positions.json'), text);
    const { positions, said } = await opened(path);
    assert.equal(said.length, 1, text);
    assert.equal(readFileSync(join(path, 'positions.json.damaged'), 'utf8'), text);
    positions.keep(() => [['a', position(1)]]);
    await positions.close();
    const again = await opened(path);
    assert.deepEqual([again.positions.get('a'), again.said], [position(1), []]);
    await again.positions.close();
  }
});

test('links in the directory are not followed', async (t) => {
  const path = temporary(t);
  const foreign = join(temporary(t), 'foreign');
  writeFileSync(foreign, '{"version":1,"positions":{}}');
  symlinkSync(foreign, join(path, 'positions.json'));
  symlinkSync(foreign, join(path, 'positions.json.new'));
  const { positions, said } = await opened(path);
  assert.equal(said.length, 1);
  positions.keep(() => [['a', position(1)]]);
  await positions.close();
  assert.equal(readFileSync(foreign, 'utf8'), '{"version":1,"positions":{}}');
  assert.ok(statSync(join(path, 'positions.json')).isFile());
});

test('a directory that others could change is refused, with what to do', async (t) => {
  const base = temporary(t);
  const refused = async (path: string, code: string, message: RegExp): Promise<void> => {
    await assert.rejects(opened(path), (error: Error & { code: string }) => {
      assert.ok(error.message.includes(`--state-dir ${path}: `));
      assert.match(error.message, message);
      return error.code === code;
    });
    if (existsSync(path) && statSync(path).isDirectory()) assert.deepEqual(readdirSync(path), []);
  };
  mkdirSync(join(base, 'own'));
  symlinkSync('own', join(base, 'link'));
  await refused(join(base, 'link'), 'ELOOP', /symbolic link; name the directory/);
  symlinkSync('nowhere', join(base, 'dangling'));
  await refused(join(base, 'dangling'), 'ELOOP', /symbolic link/);
  for (const mode of [0o770, 0o702, 0o1777]) {
    mkdirSync(join(base, `mode-${mode}`));
    chmodSync(join(base, `mode-${mode}`), mode);
    await refused(join(base, `mode-${mode}`), 'EPERM', /chmod go-w /);
  }
  writeFileSync(join(base, 'file'), '');
  await refused(join(base, 'file'), 'ENOTDIR', /no directory/);
  await refused(join(base, 'file/below'), 'ENOTDIR', /name another/);
  if (isRoot) {
    mkdirSync(join(base, 'foreign'));
    chownSync(join(base, 'foreign'), 12_345, 0);
    await refused(join(base, 'foreign'), 'EPERM', /belongs to user 12345; run: chown 0 /);
  }
});

test('a full disk is told once, and tried again', { skip: !isRoot && 'mounts' }, async (t: TestContext) => {
  const path = temporary(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'none', path], { stdio: 'pipe' });
  } catch {
    return t.skip('no tmpfs can be mounted');
  }
  try {
    await fill(path);
  } finally {
    execFileSync('umount', ['-l', path]);
  }
});

async function fill(path: string): Promise<void> {
  const { positions, said } = await opened(path, { everyMs: 5 });
  let count = 1;
  positions.keep(() => Array.from({ length: count }, (_, i) => [`id-${i}`, position(1)] as const));
  await until(() => positions.figures.writes === 1);
  count = 2000;
  await until(() => positions.figures.failedWrites >= 3);
  assert.equal(said.length, 1);
  assert.deepEqual(
    readdirSync(path).filter((name) => name !== 'positions.json.new'),
    ['positions.json'],
  );
  assert.ok(JSON.parse(readFileSync(join(path, 'positions.json'), 'utf8')));
  count = 3;
  await until(() => positions.figures.writes >= 2);
  assert.equal(said.length, 2);
  await positions.close();
}
