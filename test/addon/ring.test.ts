import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { BpfObject } from '../../src/native/addon.ts';
import {
  addonEnvironment,
  addonPath,
  compileBpf,
  count,
  counts,
  fillEntries,
  openDescriptors,
  openProbe,
  scratch,
  skipWalks as skip,
  threads,
  until,
} from './fixture.ts';

/** Decodes batches and checks that records count up without a gap. */
function receiver(): {
  onBatch: (records: Buffer) => void;
  received: () => number;
  largestBytes: () => number;
} {
  let [received, largestBytes] = [0, 0];
  const onBatch = (records: Buffer): void => {
    largestBytes = Math.max(largestBytes, records.length);
    for (let at = 0; at < records.length;) {
      const length = records.readUInt32LE(at);
      assert.equal(length, 8 + (received & 3) * 4);
      assert.equal(records.readUInt32LE(at + 4), 0);
      for (let word = 0; word < length; word += 4)
        assert.equal(records.readUInt32LE(at + 8 + word), received);
      received++;
      at += 8 + Math.ceil(length / 8) * 8;
    }
  };
  return { onBatch, received: () => received, largestBytes: () => largestBytes };
}

async function loadedProbe(
  entries: number,
  ringBytes = 4 << 20,
): Promise<{ probe: BpfObject; link: number }> {
  const probe = openProbe();
  probe.setMaxEntries('events', ringBytes);
  probe.setMaxEntries('entries', entries);
  await probe.load();
  fillEntries(probe, entries);
  return { probe, link: probe.attach('send', { iterMap: 'entries' }) };
}

test('every record arrives, once and in order', { skip }, async () => {
  const { probe, link } = await loadedProbe(10_000);
  const { onBatch, received } = receiver();
  const ring = probe.openRing('events', onBatch);
  for (let round = 0; round < 5; round++) await probe.readIterator(link, 1000);
  await until(() => received() === 50_000);
  assert.equal(count(probe, counts.sent), 50_000);
  assert.equal(count(probe, counts.refused), 0);
  ring.close();
  ring.close();
  probe.close();
});

test(
  'while the event loop is busy the records stay in the ring and what it refuses is the only loss',
  { skip },
  async () => {
    const { probe, link } = await loadedProbe(100_000, 256 << 10);
    const { onBatch, received, largestBytes } = receiver();
    probe.openRing('events', onBatch);
    const sending = probe.readIterator(link, 1000);
    const end = performance.now() + 300;
    while (performance.now() < end);
    assert.equal(received(), 0);
    await sending;
    await until(() => received() === count(probe, counts.sent));
    assert.equal(count(probe, counts.sent) + count(probe, counts.refused), 100_000);
    assert.ok(count(probe, counts.refused) > 0, 'more was sent than ring and batches hold');
    assert.ok(largestBytes() <= 256 << 10, `${largestBytes()} bytes`);
    probe.close();
  },
);

test('nothing is called after close, not even from within', { skip }, async () => {
  const { probe, link } = await loadedProbe(10_000);
  let calls = 0;
  const ring = probe.openRing('events', () => {
    calls++;
    ring.close();
  });
  await Promise.all([probe.readIterator(link, 1000), probe.readIterator(link, 1000)]);
  await until(() => calls > 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls, 1);

  const again = receiver();
  probe.openRing('events', again.onBatch);
  probe.close();
  assert.throws(() => probe.openRing('events', again.onBatch), { code: 'EBADF' });
});

test('what onBatch throws is an uncaught exception', { skip }, async () => {
  const { probe, link } = await loadedProbe(1);
  const thrown = new Promise((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  probe.openRing('events', () => {
    throw new Error('from onBatch');
  });
  await probe.readIterator(link, 1000);
  assert.match(String(await thrown), /from onBatch/);
  process.setUncaughtExceptionCaptureCallback(null);
  probe.close();
});

test('only ring buffers can be drained', { skip }, async () => {
  const { probe } = await loadedProbe(1);
  assert.throws(() => probe.openRing('entries', () => {}), { code: 'EINVAL', detail: /RINGBUF/ });
  assert.throws(() => probe.openRing('nobody', () => {}), { code: 'ENOENT' });
  assert.throws(() => probe.openRing('events', undefined as unknown as () => void), { code: 'EINVAL' });
  probe.close();
});

test('rings leave no descriptor and no thread behind', { skip }, async () => {
  const { probe } = await loadedProbe(1);
  const before = [openDescriptors(), threads()];
  for (let i = 0; i < 200; i++) probe.openRing('events', () => {}).close();
  for (let i = 0; i < 10; i++) probe.openRing('events', () => {});
  assert.equal(threads(), before[1]! + 10);
  probe.close();
  await until(() => threads() === before[1]);
  assert.ok(openDescriptors() < before[0]!);
});

test('an open ring does not keep the process alive, nor does it crash on the way out', { skip }, async () => {
  const object = join(scratch, 'probe.bpf.o');
  writeFileSync(object, compileBpf('probe'));
  const script = join(scratch, 'leave.ts');
  const load = join(import.meta.dirname, '../../src/native/load.ts');
  writeFileSync(
    script,
    `import { readFileSync } from 'node:fs';
     import { loadAddon } from ${JSON.stringify(load)};
     const probe = loadAddon(${JSON.stringify(addonPath)}).openObject(readFileSync(${JSON.stringify(object)}), 'probe');
     await probe.load();
     probe.update('entries', Buffer.alloc(12), Buffer.alloc(4));
     const link = probe.attach('send', { iterMap: 'entries' });
     probe.openRing('events', () => {});
     const end = performance.now() + 50;
     for (let i = 0; performance.now() < end; i++) await probe.readIterator(link, 100);
     if (process.argv[2] === 'abruptly') process.exit(0);`,
  );
  for (const how of ['quietly', 'abruptly'])
    await promisify(execFile)(process.execPath, [script, how], { timeout: 10_000, env: addonEnvironment });
});
