import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Followed } from './followed.ts';
import { openPositions } from './positions.ts';
import { append, followedFile, numbered, temporary, descriptorsIn } from './tail.fixture.ts';
import { tails, type Tails, type TailsOptions } from './tails.ts';

/** As by default, but faster. */
const fast = { readEveryMs: 5, lookEveryMs: 20, quietMs: 40, pollEveryMs: 20, graceMs: 100 };
const never = 1e8;

function start(t: TestContext, options: TailsOptions = {}): Tails {
  const all = tails({ ...fast, checkEveryMs: never, ...options });
  t.after(() => all.close());
  return all;
}

async function until(is: () => boolean, what = ''): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!is() && Date.now() < endMs) await sleep(2);
  assert.ok(is(), what);
}

const polled = { directory: undefined } as unknown as Partial<Followed>;

test('a loud writer that rotates: every line once, in order, with inotify and without', async (t) => {
  for (const over of [{}, polled]) {
    const { path, followed, got } = followedFile(temporary(t), over);
    const all = start(t);
    all.add(followed);
    const lines = 20_000;
    for (let i = 0; i < lines; i += 50) {
      append(path, i, i + 50);
      if (i % 4000 === 3950) {
        // Without a directory nobody knows of a file that comes and goes between two looks.
        if (over === polled || i < 4000)
          await until(() => got.length > 0 && all.figures().rotations >= (i - 3950) / 4000);
        renameSync(path, `${path}.${i}`);
      } else if (i % 500 === 0) await sleep(1);
    }
    await until(() => got.length >= lines);
    assert.deepEqual(got, numbered(0, lines));
    await until(() => all.figures().openFiles <= 1);
    await all.close();
    assert.equal(got.length, lines);
    assert.equal(all.figures().rotations, 4);
  }
});

test('quiet files are watched, and not looked at until something happens', async (t) => {
  const directory = temporary(t);
  let opens = 0;
  const file = followedFile(directory);
  const quiet = { ...file.followed, open: () => (opens++, file.followed.open()) };
  const loud = followedFile(directory, {}, 'loud.log');
  append(file.path, 0, 10);
  const all = start(t);
  all.add(quiet);
  all.add(loud.followed);
  await until(() => file.got.length === 10 && all.figures().watchedFiles === 1);
  await sleep(20);
  const before = opens;
  // Another file of the same directory wakes nobody.
  for (let i = 0; i < 20; i++) {
    append(loud.path, i, i + 1);
    await sleep(5);
  }
  assert.equal(opens, before);
  await all.remove('loud.log');
  for (let i = 1; i <= 3; i++) {
    append(file.path, 10 * i, 10 * i + 10);
    await until(() => file.got.length === 10 * i + 10);
    await until(() => all.figures().watchedFiles === 1);
  }
  renameSync(file.path, `${file.path}.1`);
  append(file.path, 40, 50);
  await until(() => file.got.length === 50);
  await until(() => all.figures().watchedFiles === 1, 'watches the new one');
  truncateSync(file.path, 0);
  await until(() => all.figures().truncations === 1);
  append(file.path, 50, 60);
  await until(() => file.got.length === 60);
  assert.deepEqual(file.got, numbered(0, 60));
});

test('what no event has told is found by the slow check', async (t) => {
  const directory = join(temporary(t), 'a');
  mkdirSync(directory);
  const { path, followed, got } = followedFile(directory);
  append(path, 0, 10);
  const all = start(t, { checkEveryMs: 50, pollEveryMs: never });
  all.add(followed);
  await until(() => all.figures().watchedFiles === 1);
  // Nobody hears of the file when its directory is moved.
  renameSync(directory, `${directory}-old`);
  mkdirSync(directory);
  append(path, 10, 20);
  await until(() => got.length === 20);
  assert.deepEqual(got, numbered(0, 20));
});

test('a file that is written to is not looked at while the names in its directory stay as they are', async (t) => {
  const directory = temporary(t);
  let opens = 0;
  const { path, followed, got } = followedFile(directory);
  const counted = { ...followed, open: () => (opens++, followed.open()) };
  const other = followedFile(directory, {}, 'other.log');
  append(other.path, 0, 1);
  const all = start(t, { namesTellAfterMs: 100, quietMs: never });
  append(path, 0, 1);
  all.add(counted);
  let lines = 1;
  const write = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      append(path, lines, ++lines);
      append(other.path, lines, lines + 1);
      await sleep(5);
    }
  };
  await write(60);
  const before = opens;
  await write(60);
  assert.equal(opens, before);
  for (let i = 0; i < 5; i++) {
    renameSync(path, `${path}.${i}`);
    await write(i % 2 === 0 ? 60 : 1);
  }
  await until(() => got.length === lines);
  assert.deepEqual(got, numbered(0, lines));
  await all.close();
  assert.equal(descriptorsIn(directory), 0);
});

test('a file that appears late, one that comes and goes', async (t) => {
  const { path, followed, got } = followedFile(temporary(t), { fromStart: false });
  const all = start(t);
  all.add(followed);
  await sleep(30);
  for (let i = 0; i < 5; i++) {
    append(path, i * 10, i * 10 + 10);
    await until(() => got.length === i * 10 + 10);
    rmSync(path);
    if (i % 2 === 0) await until(() => all.figures().openFiles === 0);
  }
  assert.deepEqual(got, numbered(0, 50));
});

test('a loud stream does not starve the others, nor the event loop', async (t) => {
  const directory = temporary(t);
  const loud = followedFile(directory, { onLine: () => {} }, 'loud.log');
  writeFileSync(loud.path, Buffer.alloc(64 << 20, `${'x'.repeat(63)}\n`));
  const all = start(t);
  let readBytes = 0;
  const onLine = (): void => void (readBytes = all.figures().readBytes);
  const others = Array.from({ length: 20 }, (_, i) => followedFile(directory, { onLine }, `${i}.log`));
  for (const { path } of others) append(path, 0, 10);
  all.add(loud.followed);
  for (const { followed } of others) all.add(followed);
  await until(() => readBytes > 0);
  await until(() => all.figures().readBytes >= (64 << 20) + 20 * 10 * 2);
  assert.ok(readBytes < 64 << 20, 'the last line of the others came before the last of the loud one');
});

test('reading waits when it is to, also for what comes meanwhile, and loses nothing by it', async (t) => {
  const { path, followed, got } = followedFile(temporary(t));
  append(path, 0, 100_000);
  let isOver = false;
  const all = start(t, { sliceMs: 0, waitMs: () => (isOver ? 50 : 0) });
  all.add(followed);
  await until(() => got.length > 0);
  isOver = true;
  await sleep(60);
  const before = got.length;
  await sleep(300);
  assert.ok(got.length - before <= 8 * 5000, 'a piece each time');
  assert.ok(all.figures().unreadBytes > 0);
  renameSync(path, `${path}.1`);
  append(path, 100_000, 100_100);
  isOver = false;
  await until(() => got.length === 100_100);
  assert.deepEqual(got, numbered(0, 100_100));
});

test('no more descriptors than allowed, and no line lost by it', async (t) => {
  const directory = temporary(t);
  const files = Array.from({ length: 20 }, (_, i) => followedFile(directory, {}, `${i}.log`));
  for (const { path } of files) append(path, 0, 10);
  const all = start(t, { maxOpen: 5 });
  for (const { followed } of files) all.add(followed);
  await until(() => files.every(({ got }) => got.length === 10));
  await until(() => all.figures().openFiles <= 5);
  for (let round = 1; round <= 3; round++) {
    for (const { path } of files) append(path, round * 10, round * 10 + 10);
    if (round === 2) for (const { path } of files) renameSync(path, `${path}.1`);
    await until(() => files.every(({ got }) => got.length === round * 10 + 10));
  }
  for (const { got } of files) assert.deepEqual(got, numbered(0, 40));
  await until(() => all.figures().openFiles <= 5);
  assert.equal(all.figures().vanishedFiles, 0);
});

test('removed ones are read to their end; too many are refused and counted', async (t) => {
  const directory = temporary(t);
  const [one, two, three] = ['1', '2', '3'].map((name) => followedFile(directory, {}, name));
  const all = start(t, { maxFiles: 2 });
  assert.deepEqual([all.add(one!.followed), all.add(one!.followed)], [true, false]);
  assert.deepEqual([all.add(two!.followed), all.add(three!.followed)], [true, false]);
  assert.equal(all.figures().refusedAdds, 1);
  append(one!.path, 0, 10_000);
  appendFileSync(one!.path, 'end');
  await all.remove('1');
  await all.remove('1');
  assert.deepEqual(one!.got, [...numbered(0, 10_000), 'end']);
  append(one!.path, 0, 10);
  assert.ok(all.add(three!.followed));
  await all.close();
  assert.equal(one!.got.length, 10_001);
  assert.equal(all.add(one!.followed), false);
  assert.deepEqual([all.figures().openFiles, all.figures().watchedFiles], [0, 0]);
});

test('exactly once over restarts, rotated and written to meanwhile', async (t) => {
  const state = temporary(t);
  const { path, followed, got } = followedFile(temporary(t), { fromStart: false });
  const log = { info: () => {}, warn: (fields: object) => assert.fail(JSON.stringify(fields)) };
  let from = 0;
  const more = (): void => append(path, from, (from += 100));
  for (let run = 0; run < 6; run++) {
    let base = 0;
    let last = 0;
    const positions = await openPositions(state, { log, everyMs: 10 });
    const all = start(t, { stored: (id) => positions.get(id) });
    all.add({
      ...followed,
      onLine(line, end) {
        followed.onLine(line, end);
        assert.ok(end > last);
        last = end;
        base++;
      },
      committed: () => last,
    });
    positions.keep(() => all.positions());
    await sleep(20);
    more();
    if (run % 2 === 0) await until(() => base > 0);
    more();
    await all.close();
    await positions.close();
    assert.equal(got.length, from);
    if (run % 3 !== 0) renameSync(path, `${path}.${run}`);
    if (run % 3 !== 2) more();
  }
  const all = start(t);
  await all.close();
  assert.deepEqual(got, numbered(0, got.length));
});
