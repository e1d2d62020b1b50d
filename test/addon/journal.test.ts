import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { addon, addonEnvironment, addonPath, openDescriptors, scratch, threads, until } from './fixture.ts';
import {
  importJournal,
  newDirectory,
  numbered,
  openWriter,
  read,
  skipWriter as skip,
  texts,
  writeJournal,
} from './journals.ts';

const maxMessage = 64 << 10;

test(
  'numbered entries of several units come back in order, through rotation and vacuuming',
  { skip },
  async (t) => {
    const directory = newDirectory();
    const current = join(directory, 'system.journal');
    writeJournal(current, numbered(-5, 5));
    const reading = await read(directory);
    t.after(() => reading.journal.close());
    for (let file = 0; file < 4; file++) {
      const writer = openWriter(current);
      for (let part = 0; part < 5; part++) {
        writer.write(...numbered(1000 * file + 200 * part, 200));
        await sleep(20);
      }
      await writer.end();
      renameSync(current, join(directory, `system@${file}.journal`));
      if (file === 2) {
        await reading.untilRead(3000);
        rmSync(join(directory, 'system@0.journal'));
      }
    }
    await reading.untilRead(4000);
    await sleep(300);
    assert.deepEqual(reading.texts(), texts(0, 4000));
    assert.deepEqual(
      [reading.total('entries'), reading.total('unreadable'), reading.total('withoutMessage')],
      [4000, 0, 0],
    );
    const now = Date.now();
    for (const { timeMs, identifier } of reading.entries) {
      assert.ok(timeMs > now - 600_000 && timeMs < now + 60_000, `${timeMs}`);
      assert.equal(identifier, 'numbers');
    }
  },
);

test('files of a machine and those that come later are read', { skip }, async (t) => {
  const directory = newDirectory();
  const reading = await read(directory);
  t.after(() => reading.journal.close());
  assert.deepEqual([reading.journal.cursor, reading.journal.foundCursor], [null, false]);
  writeJournal(join(directory, 'first.journal'), numbered(0, 10));
  await reading.untilRead(10);
  const machine = join(directory, 'fedcba9876543210fedcba9876543210');
  mkdirSync(machine);
  writeJournal(join(machine, 'second.journal'), numbered(10, 10));
  await reading.untilRead(20);
  assert.deepEqual(reading.texts(), texts(0, 20));
});

test('reading goes on behind a cursor, without a gap and without doubles', { skip }, async (t) => {
  const directory = newDirectory();
  const file = join(directory, 'a.journal');
  writeJournal(file, numbered(0, 10));
  const first = await read(directory);
  writeJournal(file, numbered(10, 2500));
  await first.untilRead(2500);
  first.journal.close();
  assert.deepEqual(first.texts(), texts(10, 2500));
  writeJournal(file, numbered(2510, 100));

  const batch = first.batches[0]!;
  assert.ok(batch.entries < 2500);
  for (const [cursor, from] of [
    [first.journal.cursor, 10],
    [batch.cursor, 10 + batch.entries],
    [first.batches.at(-1)!.cursor, 2510],
  ] as const) {
    const again = await read(directory, cursor);
    t.after(() => again.journal.close());
    assert.deepEqual([again.journal.foundCursor, again.journal.cursor], [true, cursor]);
    await again.untilRead(2610 - from);
    assert.deepEqual(again.texts(), texts(from, 2610 - from));
  }
});

test('a cursor of nothing that is there begins at the end', { skip }, async (t) => {
  const directory = newDirectory();
  const file = join(directory, 'a.journal');
  writeJournal(file, numbered(0, 10));
  const { cursor } = (await read(directory)).journal;
  assert.match(cursor!, /^s=[0-9a-f]+;i=a;/);
  const unknown = cursor!.replace(/s=../, 's=00').replace(/b=../, 'b=ff');
  const earlier = cursor!
    .replace(/i=a;/, 'i=1;')
    .replace(/s=../, 's=00')
    .replace(/;m=[^;]+/, ';m=1');
  for (const other of ['', 'nonsense', '\n', 's=;i=', 'x'.repeat(10_000), unknown, earlier]) {
    const reading = await read(directory, other);
    t.after(() => reading.journal.close());
    assert.deepEqual([reading.journal.foundCursor, reading.journal.cursor], [false, cursor], other);
    await sleep(20);
    assert.equal(reading.entries.length, 0);
  }
  const reading = await read(directory, unknown);
  t.after(() => reading.journal.close());
  writeJournal(file, numbered(10, 1));
  await reading.untilRead(1);
  assert.deepEqual(reading.texts(), texts(10, 1));
});

test(
  'journald numbers entries anew when it moves them: they are found by what they are',
  { skip },
  async (t) => {
    const directory = newDirectory();
    writeJournal(join(directory, 'a.journal'), numbered(0, 10));
    const { journal } = await read(directory);
    journal.close();
    const moved = journal.cursor!.replace(/^s=[0-9a-f]+;i=a/, 's=11111111111111111111111111111111;i=77');
    writeJournal(join(directory, 'a.journal'), numbered(10, 10));
    const reading = await read(directory, moved);
    t.after(() => reading.journal.close());
    assert.equal(reading.journal.foundCursor, true);
    await reading.untilRead(10);
    assert.deepEqual(reading.texts(), texts(10, 10));
  },
);

test('what journald moves while it is read is passed over up to the cursor', { skip }, async (t) => {
  const from = newDirectory();
  const moved = join(from, 'moved.journal');
  writeJournal(moved, numbered(0, 1));
  const old = await read(from);
  writeJournal(moved, numbered(1, 2499));
  await old.untilRead(2499);
  old.journal.close();
  const { cursor } = old.batches.at(-1)!;
  writeJournal(moved, numbered(2500, 500));
  const copy = execFileSync('journalctl', ['--file', moved, '-o', 'export'], { maxBuffer: 64 << 20 });
  const middle = copy.indexOf('\n\n', copy.length / 5) + 2;

  for (const first of [0, middle]) {
    const to = join(newDirectory(), 'here.journal');
    importJournal(to, copy.subarray(0, first));
    const reading = await read(dirname(to), cursor);
    t.after(() => reading.journal.close());
    assert.deepEqual([reading.journal.foundCursor, reading.journal.cursor], [true, cursor]);
    importJournal(to, copy.subarray(first));
    await reading.untilRead(500);
    assert.deepEqual(reading.texts(), texts(2500, 500));
    assert.equal(reading.total('withoutMessage') + reading.total('unreadable'), 0);
  }
});

test('long, binary, empty and missing messages', { skip }, async (t) => {
  const directory = newDirectory();
  const random = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919) & 255));
  const unit = { _SYSTEMD_UNIT: 'a.service' };
  for (const [name, compress] of [
    ['plain', '--compress=no'],
    ['compressed', '--compress=yes'],
  ] as const) {
    await t.test(name, async (t) => {
      const reading = await read(directory);
      t.after(() => reading.journal.close());
      writeJournal(
        join(directory, `${name}.journal`),
        [
          { MESSAGE: 'x'.repeat(maxMessage), ...unit },
          { MESSAGE: 'y'.repeat(maxMessage + 1), PRIORITY: '3', ...unit },
          { MESSAGE: 'z'.repeat(2 << 20), PRIORITY: '77', ...unit },
          { PRIORITY: '3', ...unit },
          { MESSAGE: random, PRIORITY: 'a', ...unit },
          {
            MESSAGE: '',
            _SYSTEMD_USER_UNIT: 'b.service',
            _SYSTEMD_UNIT: 'user@1000.service',
            _SYSTEMD_CGROUP: '/x',
          },
          { MESSAGE: 'two\nlines\n', SYSLOG_IDENTIFIER: 'i'.repeat(10_000), OTHER: 'o'.repeat(2 << 20) },
        ],
        [compress],
      );
      await reading.untilRead(6);
      const messages = reading.entries.map(({ message }) => message);
      assert.deepEqual(
        messages.map(({ length }) => length),
        [maxMessage, maxMessage, maxMessage, 3000, 0, 10],
      );
      assert.deepEqual(
        reading.entries.map(({ isCut }) => isCut),
        [false, true, true, false, false, false],
      );
      assert.deepEqual(
        reading.entries.map(({ priority }) => priority),
        [-1, 3, -1, -1, -1, -1],
      );
      assert.deepEqual(messages[1], Buffer.alloc(maxMessage, 'y'));
      assert.deepEqual(messages[3], random);
      assert.equal(messages[5]!.toString(), 'two\nlines\n');
      assert.equal(reading.entries[5]!.identifier.length, 4096);
      assert.equal(reading.entries[5]!.unit, '');
      const { unit: outer, userUnit, cgroup } = reading.entries[4]!;
      assert.deepEqual([outer, userUnit, cgroup], ['user@1000.service', 'b.service', '/x']);
      assert.deepEqual([reading.total('cut'), reading.total('withoutMessage')], [2, 1]);
    });
  }
});

test('batches are bounded, and one is under way at a time', { skip }, async (t) => {
  const directory = newDirectory();
  const reading = await read(directory, null, () => {
    const end = performance.now() + 20;
    while (performance.now() < end);
  });
  t.after(() => reading.journal.close());
  const large = numbered(0, 60).map((fields, i) => ({ ...fields, MESSAGE: `${i} `.padEnd(60_000, '.') }));
  writeJournal(join(directory, 'a.journal'), [...large, ...numbered(60, 5000)]);
  const before = process.memoryUsage().external;
  const end = performance.now() + 300;
  while (performance.now() < end);
  assert.equal(reading.batches.length, 0);
  assert.ok(process.memoryUsage().external - before < 2 << 20);
  await reading.untilRead(5060);
  assert.deepEqual(reading.texts().slice(60), texts(60, 5000));
  for (const { entries, records } of reading.batches) {
    assert.ok(entries <= 1000 && records.length <= 1 << 20, `${entries} entries, ${records.length} bytes`);
  }
});

/** A journal with a good file and one that `damage` is done to, with new entries in both. */
async function beside(
  damage: (file: string) => void,
  expected = 20,
): Promise<Awaited<ReturnType<typeof read>>> {
  const directory = newDirectory();
  const [intact, bad] = [join(directory, 'good.journal'), join(directory, 'bad.journal')];
  const big = numbered(-300, 300).map((fields) => ({
    ...fields,
    MESSAGE: `${String(fields['MESSAGE'])} `.padEnd(500, '.'),
  }));
  writeJournal(bad, big, ['--compress=no']);
  writeJournal(intact, numbered(0, 1));
  const reading = await read(directory);
  writeJournal(
    bad,
    big.map((fields) => ({ ...fields, PRIORITY: '1' })),
    ['--compress=no'],
  );
  await reading.untilRead(300);
  damage(bad);
  for (let i = 0; i < expected; i++) {
    writeJournal(intact, numbered(1 + i, 1));
    await sleep(10);
  }
  const good = (): string[] => reading.texts().filter((text) => / line \d+$/.test(text));
  await until(() => good().length >= expected, 20_000).catch(() => {});
  assert.deepEqual(good(), texts(1, expected));
  return reading;
}

test('a damaged file costs nobody else, whatever is damaged', { skip }, async (t) => {
  const damages: Record<string, (file: string) => void> = {
    'cut to nothing': (file) => truncateSync(file, 0),
    'cut in its header': (file) => truncateSync(file, 100),
    'cut in the middle': (file) => truncateSync(file, statSync(file).size >> 1),
    'no longer a journal': (file) => writeFileSync(file, 'x'.repeat(100_000)),
    'with noise in it': (file) => {
      const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + 13) & 255));
      const descriptor = openSync(file, 'r+');
      for (let at = 300_000; at < statSync(file).size; at += 50_000)
        writeSync(descriptor, noise, 0, 4096, at);
      closeSync(descriptor);
    },
    'a directory in its place': (file) => {
      rmSync(file);
      mkdirSync(file);
    },
  };
  for (const [name, damage] of Object.entries(damages))
    await t.test(name, async () => {
      const reading = await beside(damage);
      const used = process.cpuUsage();
      await sleep(500);
      const { user, system } = process.cpuUsage(used);
      assert.ok(user + system < 250_000, `busy: ${user + system} us in half a second`);
      reading.journal.close();
    });
});

test('noise anywhere in the entries: what is read was written, and the others come', { skip }, async (t) => {
  const directory = newDirectory();
  const source = join(scratch, 'noise-source.journal');
  const entries = numbered(0, 500).map((fields) => ({
    ...fields,
    MESSAGE: `${String(fields['MESSAGE'])} `.padEnd(300, '.'),
  }));
  writeJournal(source, entries, ['--compress=no']);
  const known = new Set(entries.map(({ MESSAGE }) => MESSAGE));
  const clean = readFileSync(source);
  const used = clean.indexOf(Buffer.from('line 499'));
  let seed = 1;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 12; round++) {
    const bytes = Buffer.from(clean);
    for (let i = 0; i < 10; i++) {
      // Offsets, sizes and hashes: contents are nobody's to check.
      const at = clean.indexOf(Buffer.from('MESSAGE=line'), random(used)) - 64 + 8 * random(8);
      if (at > 0) bytes.writeBigUInt64LE(BigInt(random(2 ** 31)) << BigInt(random(33)), at);
    }
    const folder = join(directory, String(round));
    mkdirSync(folder);
    const reading = await read(folder);
    t.after(() => reading.journal.close());
    writeFileSync(join(folder, 'unfinished'), bytes);
    renameSync(join(folder, 'unfinished'), join(folder, 'noisy.journal'));
    await sleep(50);
    writeJournal(join(folder, 'good.journal'), numbered(1000, 5));
    await until(() => reading.texts().some((text) => text.endsWith('line 1004')), 20_000);
    const strange = reading.entries.filter(({ message }) => !known.has(message.toString()));
    assert.ok(strange.length <= 5 + 10, `${strange.length} in round ${round}`);
  }
});

test('what cannot be opened is named', { skip }, async () => {
  const [before, running] = [openDescriptors(), threads()];
  await assert.rejects(
    addon.openJournal('/nowhere', null, () => {}),
    {
      code: 'ENOENT',
      syscall: 'sd_journal_open_directory',
      path: '/nowhere',
    },
  );
  await assert.rejects(
    addon.openJournal('/proc/self/stat', null, () => {}),
    { code: 'ENOTDIR' },
  );
  await assert.rejects(addon.openJournal('/', null, 7 as never), { code: 'EINVAL' });
  await assert.rejects(
    addon.openJournal('/', 7 as never, () => {}),
    { code: 'EINVAL' },
  );
  await until(() => threads() <= running && openDescriptors() === before);
});

test('nothing is called after close, not even from within', { skip }, async () => {
  const directory = newDirectory();
  const file = join(directory, 'a.journal');
  const reading = await read(directory, null, () => reading.journal.close());
  writeJournal(file, numbered(0, 3000));
  await until(() => reading.batches.length > 0);
  await sleep(100);
  assert.equal(reading.batches.length, 1);
  reading.journal.close();

  const other = await read(directory);
  other.journal.close();
  writeJournal(file, numbered(3000, 10));
  await sleep(100);
  assert.equal(other.batches.length, 0);
});

test('journals leave no descriptor and no thread behind', { skip }, async () => {
  const directory = newDirectory();
  for (let i = 0; i < 5; i++) writeJournal(join(directory, `${i}.journal`), numbered(10 * i, 10));
  (await read(directory)).journal.close();
  const [before, running] = [openDescriptors(), threads()];
  for (let i = 0; i < 50; i++) {
    const { journal } = await read(directory);
    assert.ok(openDescriptors() >= before + 6);
    journal.close();
  }
  await until(() => openDescriptors() === before);
  const { journal } = await read(directory);
  const held = openDescriptors();
  for (let i = 0; i < 20; i++) {
    copyFileSync(join(directory, '0.journal'), join(directory, 'copy.journal'));
    await until(() => openDescriptors() > held);
    rmSync(join(directory, 'copy.journal'));
    await until(() => openDescriptors() === held);
  }
  journal.close();
  await until(() => threads() <= running && openDescriptors() === before);
});

test('an idle journal costs nothing', { skip }, async (t) => {
  const directory = newDirectory();
  writeJournal(join(directory, 'a.journal'), numbered(0, 10));
  const reading = await read(directory);
  t.after(() => reading.journal.close());
  await sleep(300);
  const switches = (): number => process.resourceUsage().voluntaryContextSwitches;
  const task = (): number => {
    const used = process.cpuUsage();
    return used.user + used.system;
  };
  const [before, cpu] = [switches(), task()];
  await sleep(1500);
  assert.ok(switches() - before < 50, `${switches() - before} context switches`);
  assert.ok(task() - cpu < 100_000, `${task() - cpu} us`);
});

const load = JSON.stringify(join(import.meta.dirname, '../../src/native/load.ts'));

/** A program that has `addon`. */
function program(name: string, body: string): string {
  const script = join(scratch, `${name}.ts`);
  writeFileSync(
    script,
    `import { loadAddon } from ${load};\nconst addon = loadAddon(${JSON.stringify(addonPath)});\n${body}`,
  );
  return script;
}

test('without libsystemd the error says so, and the rest works', async () => {
  const folder = newDirectory();
  writeFileSync(join(folder, 'libsystemd.so.0'), 'no library');
  const script = program(
    'without',
    `for (let i = 0; i < 2; i++)
       await addon.openJournal('/', null, () => {}).catch(({ code, syscall, path, detail }) => console.log(code, syscall, path, detail));
     console.log(addon.fileSystemType('/proc'));`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    env: { ...addonEnvironment, LD_LIBRARY_PATH: folder },
  });
  const line = 'ELIBACC dlopen libsystemd.so.0 [^\\n]*libsystemd.so.0: [^\\n]+\\n';
  assert.match(stdout, new RegExp(`^${line}${line}40864\\n$`));
});

test('an open journal keeps no process alive, nor does it crash on the way out', { skip }, async () => {
  const directory = newDirectory();
  const file = join(directory, 'a.journal');
  writeJournal(file, numbered(0, 1));
  const { cursor } = (await read(directory)).journal;
  writeJournal(file, numbered(1, 5000));
  const open = `await addon.openJournal(${JSON.stringify(directory)}, ${JSON.stringify(cursor)}, () => batches++);`;
  for (const body of [
    `let batches = 0; ${open} ${open} console.log('open');`,
    `let batches = 0; ${open} console.log('open'); process.exit(0);`,
    `let batches = 0; ${open} setTimeout(() => { console.log('open'); process.exit(0) }, 50);`,
    `import { Worker, isMainThread } from 'node:worker_threads';
     let batches = 0;
     if (isMainThread) {
       for (let i = 0; i < 5; i++) {
         const worker = new Worker(new URL(import.meta.url));
         await new Promise((resolve) => worker.once('message', resolve));
         await worker.terminate();
       }
       console.log('open');
     } else {
       const { parentPort } = await import('node:worker_threads');
       ${open} ${open}
       parentPort.postMessage('');
       setInterval(() => {}, 1000);
     }`,
  ]) {
    const { stdout } = await promisify(execFile)(process.execPath, [program('leave', body)], {
      env: addonEnvironment,
      timeout: 60_000,
    });
    assert.equal(stdout, 'open\n');
  }
});

test('a SIGBUS that no journal is the cause of ends the process as ever', { skip }, async () => {
  const directory = newDirectory();
  const body = `await addon.openJournal(${JSON.stringify(directory)}, null, () => {});
    setInterval(() => {}, 1000);
    process.kill(process.pid, 'SIGBUS');`;
  const env = {
    ...addonEnvironment,
    ASAN_OPTIONS: `${addonEnvironment['ASAN_OPTIONS'] ?? ''}:handle_sigbus=0`,
  };
  const ended = promisify(execFile)(process.execPath, [program('bus', body)], { env, timeout: 30_000 });
  await assert.rejects(ended, { signal: 'SIGBUS' });
});

test('what onBatch throws is an uncaught exception, and reading goes on', { skip }, async (t) => {
  const directory = newDirectory();
  const thrown = new Promise((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  const reading = await read(directory, null, () => {
    if (reading.batches.length === 1) throw new Error('from onBatch');
  });
  t.after(() => reading.journal.close());
  writeJournal(join(directory, 'a.journal'), numbered(0, 1));
  assert.match(String(await thrown), /from onBatch/);
  process.setUncaughtExceptionCaptureCallback(null);
  writeJournal(join(directory, 'a.journal'), numbered(1, 1));
  await reading.untilRead(2);
});
