/** Managers that lie: sockets of the test's own in place of systemd's; and units by their files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../errors.ts';
import { unitAsker } from './asker.ts';
import { isBackground, noFacts, type UnitFacts } from './facts.ts';
import { parseUnit, unitFiles } from './files.ts';
import { askSystemd, labelOf } from './manager.ts';
import { decodeMessage } from './message.ts';

async function emptyRoot(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'systemd-'));
  t.after(() => rm(root, { recursive: true }));
  return root;
}

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

/** An answer as the specification has it, in either byte order; the body is what a variant is made of. */
function reply(serial: number, type: 2 | 3, body: Buffer, bigEndian = false): Buffer {
  const uint32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    if (bigEndian) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  };
  const fields = Buffer.concat([Buffer.from([5, 1]), Buffer.from('u\0'), uint32(serial)]);
  const signature = Buffer.concat([
    Buffer.from([8, 1]),
    Buffer.from('g\0'),
    Buffer.from([1]),
    Buffer.from('v\0'),
  ]);
  const all = Buffer.concat([fields, signature]);
  const head = [Buffer.from([(bigEndian ? 'B' : 'l').charCodeAt(0), type, 1, 1]), uint32(body.length)];
  const padded = Buffer.concat([all, Buffer.alloc(-all.length & 7)]);
  return Buffer.concat([...head, uint32(77), uint32(all.length), padded, body]);
}

const lengthOf = (value: number, bigEndian = false): Buffer => {
  const bytes = Buffer.alloc(4);
  if (bigEndian) bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
};
const text = (value: string, bigEndian = false): Buffer =>
  Buffer.concat([
    Buffer.from('\x01s\0\0'),
    lengthOf(Buffer.byteLength(value), bigEndian),
    Buffer.from(`${value}\0`),
  ]);
const texts = (...values: string[]): Buffer => {
  const parts = values.map((value, i) => {
    const bytes = Buffer.concat([lengthOf(value.length), Buffer.from(`${value}\0`)]);
    return Buffer.concat([bytes, Buffer.alloc(i + 1 < values.length ? -bytes.length & 3 : 0)]);
  });
  return Buffer.concat([Buffer.from('\x02as\0'), lengthOf(Buffer.concat(parts).length), ...parts]);
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

test('what runs once, for the bus or by a clock is background', () => {
  const of = (type: string, triggeredBy = ''): boolean => isBackground({ type, triggeredBy });
  assert.deepEqual([of('oneshot'), of('dbus'), of('simple', 'a.timer')], [true, true, true]);
  assert.deepEqual([of('simple'), of('notify', 'a.socket'), of('', 'timer')], [false, false, false]);
});

/** Answers of an asker to many at once, and what was said of systemd. */
async function askMany(
  t: TestContext,
  askSystemdFor: (units: readonly string[]) => Promise<UnitFacts[]>,
  count: number,
): Promise<{ facts: UnitFacts[]; states: string[] }> {
  const states: string[] = [];
  const asker = unitAsker({
    askSystemd: askSystemdFor,
    lookUp: () => Promise.resolve({ type: 'by file', triggeredBy: '' }),
    onState: (name, failure) => states.push(`${name} ${failure === undefined ? 'works' : 'fails'}`),
    restMs: 50,
  });
  t.after(() => asker.close());
  const facts = await Promise.all(Array.from({ length: count }, (_, i) => asker.ask(`${i}.service`)));
  await asker.idle();
  return { facts, states };
}

test('many are asked for in few conversations', async (t) => {
  let conversations = 0;
  const { facts, states } = await askMany(
    t,
    async (units) => (conversations++, units.map((type) => ({ type, triggeredBy: '' }))),
    200,
  );
  assert.deepEqual(
    facts.map(({ type }) => type),
    Array.from({ length: 200 }, (_, i) => `${i}.service`),
  );
  assert.deepEqual(states, []);
  assert.ok(conversations <= 5, `${conversations}`);
});

test('a manager that fails is told once and left in peace; files tell instead', async (t) => {
  let conversations = 0;
  const fail = async (): Promise<never> => {
    conversations++;
    throw new AgentError('EPROTO', 'no');
  };
  const { facts, states } = await askMany(t, fail, 500);
  assert.deepEqual(
    [new Set(facts.map(({ type }) => type)), states],
    [new Set(['by file']), ['systemd fails']],
  );
  assert.ok(conversations <= 2, `${conversations}`);
});

test('where no systemd is, nobody says so', async (t) => {
  const { facts, states } = await askMany(t, () => Promise.reject(new AgentError('ENOENT', 'no socket')), 3);
  assert.deepEqual([facts[0]?.type, states], ['by file', []]);
});

test('nobody waits longer than two seconds', async (t) => {
  const keepAlive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(keepAlive));
  const asker = unitAsker({
    askSystemd: () => new Promise(() => {}),
    lookUp: () => Promise.resolve(noFacts),
    onState: () => {},
  });
  assert.deepEqual(await asker.ask('a.service'), noFacts);
  asker.close();
});

test('units by their files: drop-ins, templates, masks, links, and what starts them', async (t) => {
  const root = await emptyRoot(t);
  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  const wanted = 'etc/systemd/system/multi-user.target.wants';
  await write(
    'usr/lib/systemd/system/web.service',
    '[Unit]\nType=no\n[Service]\nType = notify \nExecStart=x\n',
  );
  await write('usr/lib/systemd/system/web.service.d/10.conf', '[Service]\nType=exec\n');
  await write('etc/systemd/system/web.service.d/20.conf', '[Service]\nType=forking\n');
  await write('usr/lib/systemd/system/many@.service', '[Service]\nExecStart=a \\\n  Type=b\n');
  await write('usr/lib/systemd/system/bus.service', '[Service]\nBusName=org.x\nExecStart=x\n');
  await write('usr/lib/systemd/system/empty.service', '[Service]\n');
  await write('usr/lib/systemd/system/web.socket', '[Socket]\nListenStream=1\n');
  await write('usr/lib/systemd/system/idle.socket', '[Socket]\nService=empty.service\n');
  await write('usr/lib/systemd/system/daily.timer', '[Timer]\nUnit=bus.service\n');
  await write('usr/lib/systemd/system/each.socket', '[Socket]\nAccept=yes\n');
  await write('usr/lib/systemd/system/each@.service', '[Service]\nExecStart=x\n');
  for (const name of ['web.socket', 'daily.timer', 'each.socket', 'gone.path'])
    await write(`${wanted}/${name}`, '');
  await write('usr/lib/systemd/system/masked.service', '[Service]\nType=exec\n');
  await symlink('/dev/null', join(root, 'etc/systemd/system/masked.service'));
  await write('nix/store/linked.service', '[Service]\nType=idle\n');
  await symlink('/nix/store/linked.service', join(root, 'etc/systemd/system/linked.service'));
  await symlink('/dev/zero', join(root, 'etc/systemd/system/endless.service'));
  execFileSync('mkfifo', [join(root, 'etc/systemd/system/hangs.service')]);

  const lookUp = unitFiles(root);
  const told = async (unit: string): Promise<string> => {
    const { type, triggeredBy } = await lookUp(unit);
    return `${type} ${triggeredBy}`.trim();
  };
  assert.equal(await told('web.service'), 'forking web.socket');
  assert.equal(await told('many@1.service'), 'simple');
  assert.equal(await told('bus.service'), 'dbus daily.timer');
  assert.equal(await told('empty.service'), '');
  assert.equal(await told('each@3.service'), 'simple each.socket');
  assert.equal(await told('linked.service'), 'idle');
  for (const unit of ['masked', 'endless', 'hangs', 'unknown', '../../web', ''])
    assert.equal(await told(`${unit}.service`), '', unit);
  assert.deepEqual(await unitFiles(join(root, 'nowhere'))('web.service'), noFacts);
});

test('settings are read by section, the last one counts', () => {
  assert.deepEqual(parseUnit('[A]\nX=1\n# X=2\n;X=3\nX =\t4 \nno setting\n[B]\r\n__proto__=5\nX=6\n'), {
    'A.X': '4',
    'B.X': '6',
  });
});
