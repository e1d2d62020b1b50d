/** Managers that lie: sockets of the test's own in place of systemd's. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../errors.ts';
import { noFacts, type UnitFacts } from './facts.ts';
import { askSystemd, labelOf } from './manager.ts';
import { decodeMessage } from './message.ts';
import { emptyRoot } from './root.fixture.ts';

/** A root directory with somebody at systemd's place. */
async function rootWith(t: TestContext, onConnection: (socket: Socket) => void): Promise<string> {
  const root = await emptyRoot(t);
  await mkdir(join(root, 'run/systemd'), { recursive: true });
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(join(root, 'run/systemd/private'), resolve));
  t.after(() => {
    connections.forEach((socket) => socket.destroy());
    server.close();
  });
  return root;
}

const ok = 'DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n';

function uint32(value: number, bigEndian = false): Buffer {
  const bytes = Buffer.alloc(4);
  if (bigEndian) bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}

/** An answer as the specification has it, in either byte order; the body is what a variant is made of. */
function reply(serial: number, type: 2 | 3, body: Buffer, bigEndian = false): Buffer {
  const fields = Buffer.concat([Buffer.from([5, 1]), Buffer.from('u\0'), uint32(serial, bigEndian)]);
  const signature = Buffer.concat([
    Buffer.from([8, 1]),
    Buffer.from('g\0'),
    Buffer.from([1]),
    Buffer.from('v\0'),
  ]);
  const all = Buffer.concat([fields, signature]);
  const head = [
    Buffer.from([(bigEndian ? 'B' : 'l').charCodeAt(0), type, 1, 1]),
    uint32(body.length, bigEndian),
  ];
  const padded = Buffer.concat([all, Buffer.alloc(-all.length & 7)]);
  return Buffer.concat([...head, uint32(77, bigEndian), uint32(all.length, bigEndian), padded, body]);
}

const text = (value: string, bigEndian = false): Buffer =>
  Buffer.concat([
    Buffer.from('\x01s\0\0'),
    uint32(Buffer.byteLength(value), bigEndian),
    Buffer.from(`${value}\0`),
  ]);
const texts = (...values: string[]): Buffer => {
  const parts = values.map((value, i) => {
    const bytes = Buffer.concat([uint32(value.length), Buffer.from(`${value}\0`)]);
    return Buffer.concat([bytes, Buffer.alloc(i + 1 < values.length ? -bytes.length & 3 : 0)]);
  });
  return Buffer.concat([Buffer.from('\x02as\0'), uint32(Buffer.concat(parts).length), ...parts]);
};
/** The machine may be busy: only who waits for a deadline waits for it. */
const within = (code = ''): AbortSignal => AbortSignal.timeout(code === 'ETIMEDOUT' ? 300 : 20_000);
const ask = (root: string, ...units: string[]): Promise<UnitFacts[]> => askSystemd(root, units, within());

test('type and first trigger, whatever else is said and however it is cut', async (t) => {
  const other = reply(9999, 2, text('of somebody else'));
  const said = Buffer.concat([
    ...[Buffer.from(ok), other, reply(1, 2, text('notify')), reply(2, 2, texts('web.socket', 'web.timer'))],
    ...[reply(3, 3, text('no such unit')), other, reply(4, 2, texts())],
  ]);
  for (const size of [1, 7, said.length]) {
    const root = await rootWith(t, (socket) => {
      for (let at = 0; at < said.length; at += size) socket.write(said.subarray(at, at + size));
    });
    assert.deepEqual(await askSystemd(root, ['web.service', 'x.service'], within()), [
      { type: 'notify', triggeredBy: 'web.socket' },
      noFacts,
    ]);
  }
});

test('a machine with the other byte order', async (t) => {
  const root = await rootWith(t, (socket) =>
    socket.write(
      Buffer.concat([
        Buffer.from(ok),
        reply(1, 2, text('exec', true), true),
        reply(2, 3, Buffer.alloc(0), true),
      ]),
    ),
  );
  assert.deepEqual(await ask(root, 'a.service'), [{ type: 'exec', triggeredBy: '' }]);
});

test('what is no word becomes no label', async (t) => {
  const root = await rootWith(t, (socket) =>
    socket.write(
      Buffer.concat([Buffer.from(ok), reply(1, 2, text('a"}\n')), reply(2, 2, texts('x'.repeat(1000)))]),
    ),
  );
  assert.deepEqual(await ask(root, 'a.service'), [noFacts]);
});

const huge = Buffer.concat([Buffer.from(ok), Buffer.from('l\x02\x01\x01'), Buffer.alloc(12, 0x7f)]);
const flood = (socket: Socket, chunk: Buffer): void => {
  let left = 100;
  const more = (): void => {
    while (left-- > 0 && !socket.destroyed) if (!socket.write(chunk)) return void socket.once('drain', more);
  };
  more();
};
const lies: Record<string, [(socket: Socket) => void, code: string]> = {
  silence: [() => {}, 'ETIMEDOUT'],
  'a refusal': [(socket) => socket.write('REJECTED EXTERNAL\r\n'), 'EACCES'],
  'HTTP without an end': [(socket) => socket.write('H'.repeat(10_000)), 'EBADMSG'],
  'half an answer': [
    (socket) => socket.end(Buffer.concat([Buffer.from(ok), reply(1, 2, text('a'))])),
    'ECONNRESET',
  ],
  'half a message': [(socket) => socket.write(`${ok}l\x02`), 'ETIMEDOUT'],
  'no D-Bus': [(socket) => socket.write(`${ok}${'x'.repeat(100)}`), 'EBADMSG'],
  'a message of two gigabytes': [(socket) => socket.write(huge), 'EFBIG'],
  'a value of another type': [
    (socket) => socket.write(Buffer.concat([Buffer.from(ok), reply(1, 2, Buffer.from('\x02(i\0\0\0\0'))])),
    'EBADMSG',
  ],
  'a length beyond the end': [
    (socket) =>
      socket.write(
        Buffer.concat([Buffer.from(ok), reply(1, 2, Buffer.from('\x01s\0\0\xff\xff\0\0', 'latin1'))]),
      ),
    'EBADMSG',
  ],
  'a hundred megabytes of messages': [
    (socket) => {
      const message = reply(9999, 2, text('x'.repeat(1000)));
      socket.write(ok);
      flood(socket, Buffer.concat(Array.from({ length: 1 << 10 }, () => message)));
    },
    'EFBIG',
  ],
};
for (const [what, [onConnection, code]] of Object.entries(lies))
  test(`systemd says ${what}: ${code}`, async (t) => {
    const root = await rootWith(t, onConnection);
    await assert.rejects(askSystemd(root, ['a.service'], within(code)), { code });
  });

test('no socket, and what is none', async (t) => {
  const root = await emptyRoot(t);
  await assert.rejects(ask(root, 'a.service'), { code: 'ENOENT' });
  await mkdir(join(root, 'run/systemd'), { recursive: true });
  execFileSync('mkfifo', [join(root, 'run/systemd/private')]);
  await assert.rejects(ask(root, 'a.service'), { code: 'ECONNREFUSED' });
});

test('no bytes whatever do more than fail', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, framed) => {
      const start = framed ? Buffer.from('l\x02\x01\x01\x08\0\0\0\x01\0\0\0\x10\0\0\0') : Buffer.alloc(0);
      try {
        decodeMessage(Buffer.concat([start, bytes]))?.message.body.variant();
      } catch (error) {
        assert.ok(error instanceof AgentError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('object paths of units', () => {
  assert.equal(labelOf('ssh.service'), 'ssh_2eservice');
  assert.equal(labelOf('9p@a-b.service'), '_39p_40a_2db_2eservice');
  assert.equal(labelOf('ä'), '_c3_a4');
  assert.equal(labelOf(''), '_');
});
