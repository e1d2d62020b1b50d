import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { noFigures, type Followed, type Position } from './followed.ts';
import { openLog } from './open-file.ts';
import { append, followedFile, numbered, temporary, descriptorsIn } from './tail.fixture.ts';
import { tail } from './tail.ts';

const into = Buffer.alloc(65_536);
const graceMs = 5000;

function follow(
  t: TestContext,
  options: { directory?: string; position?: Position | undefined; over?: Partial<Followed> } = {},
) {
  const directory = options.directory ?? temporary(t);
  const file = followedFile(directory, options.over);
  const clock = { ms: 0, now: () => 0, monotonic: () => clock.ms };
  const figures = noFigures();
  const { position } = options;
  const of = tail(file.followed, { clock, figures, graceMs, ...(position && { position }) });
  t.after(() => of.close(false));
  const read = (): void => {
    while (of.read(into) > 0);
  };
  const turn = async (): Promise<void> => {
    await of.look();
    read();
  };
  /** As after SIGKILL: what is known now is all there is. */
  const restarted = () => follow(t, { ...options, directory, position: of.position() });
  return { directory, ...file, of, clock, figures, read, turn, restarted };
}

test('a file older than the agent starts at its end, one born later at its beginning', async (t) => {
  const older = follow(t, { over: { fromStart: false } });
  append(older.path, 0, 10);
  appendFileSync(older.path, 'begun before');
  await older.turn();
  appendFileSync(older.path, ' and ended\n');
  append(older.path, 10, 12);
  await older.turn();
  assert.deepEqual(older.got, ['begun before and ended', ...numbered(10, 12)]);
  const born = follow(t, { over: { fromStart: false } });
  await born.turn();
  append(born.path, 0, 10);
  await born.turn();
  assert.deepEqual(born.got, numbered(0, 10));
  assert.deepEqual(
    born.ends,
    numbered(0, 10).map((_, i) => 14 * (i + 1)),
  );
});

test('rotation by renaming: every line once, in order', async (t) => {
  const { path, got, turn, figures, clock, directory, of } = follow(t);
  for (let i = 0; i < 49; i++) {
    append(path, i * 100, i * 100 + 60);
    if (i % 3 === 0) await turn();
    append(path, i * 100 + 60, i * 100 + 100);
    if (i % 7 !== 6) {
      renameSync(path, `${path}.${i}`);
      if (i % 2 === 0) writeFileSync(path, '');
    }
    await turn();
    clock.ms += 100;
  }
  await turn();
  assert.deepEqual(got, numbered(0, 4900));
  assert.equal(figures.rotations, 42);
  clock.ms += graceMs;
  await turn();
  clock.ms += graceMs;
  await turn();
  await turn();
  assert.ok(of.isSettled);
  assert.equal(descriptorsIn(directory), 1);
});

test('who writes on to the renamed file is read on, before and after the new one has lines', async (t) => {
  const { path, got, turn, clock, of, restarted } = follow(t);
  append(path, 0, 3);
  await turn();
  const fd = openSync(path, 'a');
  renameSync(path, `${path}.1`);
  await turn();
  writeSync(fd, 'late 1\n');
  await turn();
  writeFileSync(path, '');
  await turn();
  writeSync(fd, 'late 2\nlate 3 with');
  await turn();
  append(path, 3, 5);
  appendFileSync(path, 'torn');
  await turn();
  clock.ms += graceMs - 1;
  writeSync(fd, 'out end\nlate 4');
  closeSync(fd);
  await turn();
  assert.deepEqual(got, [...numbered(0, 3), 'late 1', 'late 2', ...numbered(3, 5), 'late 3 without end']);
  const killed = restarted();
  clock.ms += graceMs;
  await turn();
  assert.deepEqual(got.slice(-1), ['late 4']);
  assert.ok(of.isSettled);
  const again = restarted();
  appendFileSync(path, ' apart\n');
  for (const one of [killed, again]) {
    await one.turn();
    assert.deepEqual(one.got, ['torn apart']);
  }
  await turn();
  assert.deepEqual(got.slice(-2), ['late 4', 'torn apart']);
});

test('rotated more than once between two looks', async (t) => {
  const { path, got, turn, figures, directory } = follow(t);
  append(path, 0, 10);
  await turn();
  // Other files that begin alike.
  for (const other of ['app.log.error', 'app.log.1.gz', 'app.log2', 'other.log.1'])
    writeFileSync(join(directory, other), 'foreign\n');
  for (let i = 1; i <= 4; i++) {
    append(path, i * 10, i * 10 + 10);
    renameSync(path, `${path}.${i}`);
    execFileSync('sleep', ['0.02']);
  }
  append(path, 50, 60);
  await turn();
  assert.deepEqual(got, numbered(0, 60));
  assert.equal(figures.rotations, 4);
});

test('copy and truncate: nothing twice, and what was destroyed unread is counted', async (t) => {
  const { path, got, of, turn, figures } = follow(t);
  const lines = 400_000;
  append(path, 0, lines);
  await of.look();
  for (let i = 0; i < 16; i++) of.read(into);
  const readBytes = 16 * into.length;
  assert.equal(figures.readBytes, readBytes);
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
  append(path, lines, lines + 10);
  await turn();
  const destroyed = lines * 14 - readBytes;
  assert.deepEqual([figures.truncations, figures.destroyedBytes, figures.destroyedSpans], [1, destroyed, 1]);
  const whole = Math.floor(readBytes / 14);
  assert.deepEqual(got.slice(0, whole), numbered(0, whole));
  // The piece of a line that was read.
  assert.equal(got[whole], numbered(whole, whole + 1)[0]!.slice(0, readBytes % 14));
  assert.deepEqual(got.slice(whole + 1), numbered(lines, lines + 10));
});

test('truncated and larger than before when it is looked at', async (t) => {
  const { path, got, turn, figures } = follow(t);
  append(path, 0, 10);
  await turn();
  truncateSync(path, 0);
  append(path, 10, 50);
  await turn();
  assert.deepEqual(got, numbered(0, 50));
  assert.deepEqual([figures.truncations, figures.destroyedBytes, figures.destroyedSpans], [1, 0, 0]);
});

test('a writer without O_APPEND leaves a hole: it is no line, and takes no time', async (t) => {
  const { path, got, turn, figures } = follow(t);
  const fd = openSync(path, 'w');
  writeSync(fd, 'one\n');
  await turn();
  truncateSync(path, 0);
  writeSync(fd, 'two\n', 1 << 40);
  closeSync(fd);
  await turn();
  append(path, 0, 1);
  await turn();
  assert.deepEqual(got, ['one', 'two', ...numbered(0, 1)]);
  assert.ok(figures.readBytes < 1 << 20);
});

test('a file that is written over in place is not read again and again', async (t) => {
  const { path, got, turn, figures } = follow(t);
  writeFileSync(path, Buffer.alloc(70 << 20, `${'x'.repeat(1023)}\n`));
  await turn();
  const before = figures.readBytes;
  for (let i = 0; i < 3; i++) {
    const fd = openSync(path, 'r+');
    writeSync(fd, `header ${i}`);
    closeSync(fd);
    appendFileSync(path, 'new\n');
    await turn();
  }
  assert.ok(figures.readBytes - before < 1 << 20);
  assert.ok(got.length >= 70 << 10);
});

test('removed: read to its end, then waited for; recreated: read from its beginning', async (t) => {
  const { path, got, turn, clock, of, directory } = follow(t);
  append(path, 0, 10);
  await turn();
  append(path, 10, 20);
  appendFileSync(path, 'no newline');
  unlinkSync(path);
  await turn();
  clock.ms += graceMs;
  await turn();
  assert.deepEqual(got, [...numbered(0, 20), 'no newline']);
  assert.equal(of.isOpen, false);
  assert.equal(descriptorsIn(directory), 0);
  append(path, 20, 30);
  await turn();
  append(path, 30, 40);
  rmSync(path);
  append(path, 40, 50);
  await turn();
  assert.deepEqual(got.slice(21), numbered(20, 50));
});

test('a restart in the middle, also of a line', async (t) => {
  const first = follow(t, { over: { fromStart: false } });
  await first.turn();
  append(first.path, 0, 10);
  appendFileSync(first.path, 'half');
  await first.turn();
  const second = first.restarted();
  appendFileSync(first.path, ' and half\n');
  append(first.path, 10, 20);
  await second.turn();
  assert.deepEqual(second.got, ['half and half', ...numbered(10, 20)]);
  assert.deepEqual(second.figures, { ...noFigures(), readBytes: 154 });
  const third = second.restarted();
  await third.turn();
  assert.deepEqual(third.got, []);
});

test('a restart: what was rotated meanwhile is read from where it was, and all that came after it', async (t) => {
  const first = follow(t);
  append(first.path, 0, 10);
  await first.turn();
  append(first.path, 10, 20);
  for (let i = 2; i <= 3; i++) {
    renameSync(first.path, `${first.path}.${4 - i}`);
    execFileSync('sleep', ['0.02']);
    append(first.path, i * 10, i * 10 + 10);
    if (i === 2) renameSync(`${first.path}.2`, `${first.path}.3`);
  }
  const second = first.restarted();
  await second.turn();
  assert.deepEqual(second.got, numbered(10, 40));
  assert.equal(second.figures.vanishedFiles, 0);
});

test('a restart while the file is renamed and there is no new one yet', async (t) => {
  const first = follow(t);
  append(first.path, 0, 10);
  await first.turn();
  append(first.path, 10, 20);
  renameSync(first.path, `${first.path}.1`);
  const second = first.restarted();
  await second.turn();
  append(first.path, 20, 30);
  await second.turn();
  assert.deepEqual(second.got, numbered(10, 30));
});

test('a restart: truncated, removed or replaced meanwhile is told', async (t) => {
  for (const change of ['truncated', 'replaced', 'grown'] as const) {
    const first = follow(t, { over: { fromStart: false } });
    await first.turn();
    append(first.path, 0, 10);
    await first.turn();
    if (change === 'replaced') rmSync(first.path);
    else truncateSync(first.path, 0);
    append(first.path, 10, change === 'grown' ? 40 : 15);
    const second = first.restarted();
    await second.turn();
    assert.deepEqual(second.got, numbered(10, change === 'grown' ? 40 : 15));
    // The new file may have the inode of the old one.
    const { destroyedSpans, vanishedFiles } = second.figures;
    assert.equal(destroyedSpans + vanishedFiles, 1);
  }
});

test('what is not committed is read again', async (t) => {
  let committed = 0;
  const first = follow(t, { over: { committed: () => committed } });
  append(first.path, 0, 10);
  await first.turn();
  renameSync(first.path, `${first.path}.1`);
  append(first.path, 10, 20);
  await first.turn();
  for (const lines of [0, 1, 9, 10, 11, 19, 20]) {
    committed = lines * 14;
    const second = first.restarted();
    await second.turn();
    assert.deepEqual(second.got, numbered(lines, 20));
  }
});

test('parked files are found again where they are', async (t) => {
  const { path, got, turn, of, figures, directory } = follow(t);
  append(path, 0, 10);
  appendFileSync(path, 'half');
  await turn();
  assert.ok(of.park());
  assert.equal(descriptorsIn(directory), 0);
  assert.ok(!of.park());
  appendFileSync(path, ' and half\n');
  await turn();
  assert.ok(of.park());
  append(path, 10, 20);
  renameSync(path, `${path}.1`);
  append(path, 20, 30);
  await turn();
  assert.deepEqual(got, [...numbered(0, 10), 'half and half', ...numbered(10, 30)]);
  assert.deepEqual([figures.vanishedFiles, figures.truncations], [0, 0]);
});

test('what is no regular file is refused, counted once, and does not hang', async (t) => {
  const directory = temporary(t);
  const path = join(directory, 'app.log');
  const target = join(directory, 'target');
  append(target, 0, 5);
  const make: Record<string, () => void> = {
    fifo: () => execFileSync('mkfifo', [path]),
    directory: () => mkdirSync(path),
    link: () => symlinkSync(target, path),
  };
  if (process.getuid!() === 0) make['device'] = () => execFileSync('mknod', [path, 'c', '1', '5']);
  for (const [kind, put] of Object.entries(make)) {
    put();
    await assert.rejects(openLog(path), { code: 'EINVAL' });
    for (const open of [() => openLog(path), async () => openSync(path, 'r+')]) {
      // Also where who opens does not look: but for the link, which is followed.
      if (kind === 'link' && open.name === '') continue;
      const { got, turn, figures } = follow(t, { directory, over: { open } });
      await turn();
      await turn();
      assert.equal(got.length, 0, kind);
      assert.equal(figures.refusedFiles + figures.failures, 1, kind);
    }
    const { got, turn } = follow(t, { directory });
    await turn();
    rmSync(path, { recursive: true });
    append(path, 0, 3);
    await turn();
    assert.deepEqual(got, numbered(0, 3));
    rmSync(path);
  }
});

test('long lines, NUL bytes and what is no text', async (t) => {
  const { path, got, turn, figures } = follow(t);
  appendFileSync(path, Buffer.concat([Buffer.alloc(1e6, 'x'), Buffer.from('\n\0a\0\n\xff\n', 'latin1')]));
  await turn();
  assert.deepEqual(
    got.map((line) => line.length),
    [262_144, 3, 1],
  );
  assert.deepEqual(got.slice(1), ['\0a\0', '\xff']);
  assert.equal(figures.cutBytes, 1e6 - 262_144);
});
