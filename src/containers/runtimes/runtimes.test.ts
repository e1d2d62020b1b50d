/** Runtimes that lie: sockets of the test's own in place of dockerd's and CRI-O's, files in place of podman's. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createRawServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { inspect as inspectError } from 'node:util';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { containerdInspect } from './containerd.ts';
import { crioInspect } from './crio.ts';
import { dockerInspect } from './docker.ts';
import { podmanInspect } from './podman.ts';

async function emptyRoot(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'runtime-'));
  t.after(() => rm(root, { recursive: true }));
  return root;
}

/** A root directory with a server at `socket`. */
async function rootWith(t: TestContext, socket: string, listener: RequestListener): Promise<string> {
  const root = await emptyRoot(t);
  await mkdir(dirname(root + socket), { recursive: true });
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(root + socket, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return root;
}

const never = new AbortController().signal;
const soon = (): AbortSignal => AbortSignal.timeout(300);
/** The machine may be busy: only who waits for a deadline waits for it. */
const patiently = (): AbortSignal => AbortSignal.timeout(20_000);
const dockerSocket = '/run/docker.sock';

test('dockerd: name, labels, image and environment; whatever has another type is left out', async (t) => {
  const asked: (string | undefined)[] = [];
  const root = await rootWith(t, dockerSocket, ({ url }, answer) => {
    asked.push(url);
    const Config = { Labels: { a: 'b', c: 1 }, Image: 'nginx:1', Env: ['A=1', 2] };
    answer.end(JSON.stringify({ Name: '/web', Config }));
  });
  assert.deepEqual(await dockerInspect(root)('abc', soon()), {
    name: 'web',
    labels: { a: 'b' },
    image: 'nginx:1',
    environment: ['A=1'],
  });
  assert.deepEqual(asked, ['/containers/abc/json']);
});

test('dockerd: published ports, those of root alone', async (t) => {
  const Ports = {
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: 'x', HostPort: '1' },
    ],
  };
  const answers: RequestListener = (_, answer) =>
    answer.end(JSON.stringify({ Name: '/web', NetworkSettings: { Ports } }));
  const root = await rootWith(t, dockerSocket, answers);
  const found = await dockerInspect(root)('abc', soon());
  assert.deepEqual(found?.published, [{ address: '0.0.0.0', port: 8080 }]);
  const users = await rootWith(t, '/run/user/1000/docker.sock', answers);
  assert.equal((await dockerInspect(users)('abc', soon(), 1000))?.published, undefined);
  for (const odd of [null, 7, 'x', [], { Ports: null }, { Ports: 'x' }]) {
    const text = JSON.stringify({ Name: '/web', NetworkSettings: odd });
    const hostile = await rootWith(t, dockerSocket, (_, answer) => answer.end(text));
    assert.equal((await dockerInspect(hostile)('abc', soon()))?.published, undefined, text);
  }
});

test('the file of what a container writes: of json-file, and where its path is one', async (t) => {
  const answerOf = async (LogPath: unknown, Type = 'json-file', user?: number): Promise<unknown> => {
    const text = JSON.stringify({ Name: '/web', LogPath, HostConfig: { LogConfig: { Type } } });
    const socket = user === undefined ? dockerSocket : `/run/user/${user}/docker.sock`;
    const root = await rootWith(t, socket, (_, answer) => answer.end(text));
    return (await dockerInspect(root)('abc', soon(), user))?.logFile;
  };
  const path = '/var/lib/docker/containers/abc/abc-json.log';
  assert.deepEqual(await answerOf(path), { path, format: 'docker' });
  assert.equal(await answerOf(path, 'local'), undefined);
  assert.equal(await answerOf(path, 'json-file', 1000), undefined, 'any user could name any file');
  for (const odd of ['', 'a.log', '/a/../../b', '/a\0b', 7, null, `/${'a'.repeat(5000)}`])
    assert.equal(await answerOf(odd), undefined, String(odd));
  const crio = await rootWith(t, '/run/crio/crio.sock', (_, answer) =>
    answer.end(JSON.stringify({ name: 'web', log_path: '/var/log/pods/a/0.log' })),
  );
  assert.deepEqual((await crioInspect(crio)('abc', soon()))?.logFile, {
    path: '/var/log/pods/a/0.log',
    format: 'cri',
  });
});

test('an answer without anything in it makes nothing up', async (t) => {
  for (const text of ['{}', '[]', '{"Name":7,"Config":[]}', '{"Config":{"Labels":null}}']) {
    const root = await rootWith(t, dockerSocket, (_, answer) => answer.end(text));
    const nothing = { name: '', labels: {}, image: '', environment: [] };
    assert.deepEqual(await dockerInspect(root)('abc', soon()), nothing, text);
  }
});

const lies: Record<string, [RequestListener, code: RegExp]> = {
  'no JSON': [(_, answer) => answer.end('<html>'), /^EBADMSG$/],
  null: [(_, answer) => answer.end('null'), /^EBADMSG$/],
  'a refusal': [(_, answer) => answer.writeHead(500).end(), /^EPROTO$/],
  silence: [() => {}, /^ETIMEDOUT$/],
  'half an answer': [(_, answer) => answer.write('{"Name":'), /^ETIMEDOUT$/],
  'a hundred megabytes': [
    (_, answer) => {
      const megabyte = Buffer.alloc(1 << 20, ' ');
      let left = 100;
      const more = (): void => {
        while (left-- > 0) if (!answer.write(megabyte)) return void answer.once('drain', more);
        answer.end();
      };
      more();
    },
    /^EFBIG$/,
  ],
};
for (const [what, [listener, code]] of Object.entries(lies)) {
  test(`dockerd answers ${what}`, async (t) => {
    const root = await rootWith(t, dockerSocket, listener);
    const signal = code.test('ETIMEDOUT') ? soon() : patiently();
    await assert.rejects(dockerInspect(root)('abc', signal), (error: { code?: string }) =>
      code.test(error.code ?? 'no code'),
    );
  });
}

test('who does not know the container says 404; what is no socket is an error', async (t) => {
  const root = await rootWith(t, dockerSocket, (_, answer) => answer.writeHead(404).end());
  assert.equal(await dockerInspect(root)('abc', soon()), undefined);
  const other = await emptyRoot(t);
  await assert.rejects(dockerInspect(other)('abc', soon()), { code: 'ENOENT' });
  await assert.rejects(containerdInspect(other, never)('abc', soon()), { code: 'ENOENT' });
  await mkdir(join(other, 'run'));
  await writeFile(other + dockerSocket, '');
  await assert.rejects(dockerInspect(other)('abc', soon()), { code: 'ECONNREFUSED' });
});

test('CRI-O: name, image and labels', async (t) => {
  const root = await rootWith(t, '/run/crio/crio.sock', (_, answer) =>
    answer.end(JSON.stringify({ name: 'k8s_web', image: 'nginx:1', labels: { a: 'b' }, pid: 7 })),
  );
  const expected = { name: 'k8s_web', labels: { a: 'b' }, image: 'nginx:1', environment: [] };
  assert.deepEqual(await crioInspect(root)('abc', soon()), expected);
});

test('podman: the first name and the image of the container in the list, read anew when it changes', async (t) => {
  const root = await emptyRoot(t);
  const list = `${root}/var/lib/containers/storage/overlay-containers/containers.json`;
  await mkdir(dirname(list), { recursive: true });
  const metadata = JSON.stringify({ 'image-name': 'docker.io/library/db:1' });
  await writeFile(
    list,
    JSON.stringify([null, 7, { id: 'x' }, { id: 'abc', names: ['db', 'other'], metadata }]),
  );
  const inspect = podmanInspect(root);
  const expected = { name: 'db', labels: {}, image: 'docker.io/library/db:1', environment: [] };
  assert.deepEqual(await inspect('abc', soon()), expected);
  assert.equal(await inspect('later', soon()), undefined);
  await writeFile(list, JSON.stringify([{ id: 'later', names: ['db2'] }]));
  assert.equal((await inspect('later', soon()))?.name, 'db2');
  // Those that go when they end have a list of their own.
  await writeFile(
    join(dirname(list), 'volatile-containers.json'),
    JSON.stringify([{ id: 'rm', names: ['once'] }]),
  );
  assert.equal((await inspect('rm', soon()))?.name, 'once');
  await rm(list);
  assert.equal((await inspect('rm', soon()))?.name, 'once');
  await writeFile(list, '{');
  await assert.rejects(inspect('abc', soon()), { code: 'EBADMSG' });
});

test('a user: dockerd by the socket of that user, podman by the lists in the home directory', async (t) => {
  const root = await rootWith(t, '/run/user/1000/docker.sock', (_, answer) => answer.end('{"Name":"/mine"}'));
  assert.equal((await dockerInspect(root)('abc', soon(), 1000))?.name, 'mine');
  await assert.rejects(dockerInspect(root)('abc', soon(), 1001), { code: 'ENOENT' });
  await assert.rejects(dockerInspect(root)('abc', soon()), { code: 'ENOENT' });

  const podman = podmanInspect(root);
  await mkdir(join(root, 'etc'));
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0::/root:/bin/sh\nme:x:1000:1000:Me:/home/me:/bin/sh\nx:y\n',
  );
  await assert.rejects(podman('abc', soon(), 1000), { code: 'ENOENT' });
  await assert.rejects(podman('abc', soon(), 1001), { code: 'ENOENT' });
  const lists = `${root}/home/me/.local/share/containers/storage/overlay-containers`;
  await mkdir(lists, { recursive: true });
  await writeFile(join(lists, 'containers.json'), JSON.stringify([{ id: 'abc', names: ['db'] }]));
  await writeFile(join(lists, 'volatile-containers.json'), JSON.stringify([{ id: 'rm', names: ['once'] }]));
  assert.deepEqual(
    [(await podman('abc', soon(), 1000))?.name, (await podman('rm', soon(), 1000))?.name],
    ['db', 'once'],
  );
  await assert.rejects(podman('abc', soon()), { code: 'ENOENT' });
});

test('what a user puts in the place of a socket or a list is looked at, not opened', async (t) => {
  const root = await rootWith(t, '/run/docker.sock', (_, answer) => answer.end('{"Name":"/root-s"}'));
  const place = join(root, 'run/user/1000/docker.sock');
  await mkdir(dirname(place), { recursive: true });
  const lies: [put: () => void, code: string][] = [
    [() => symlinkSync(join(root, dockerSocket), place), 'ENOTSOCK'],
    [() => execFileSync('mkfifo', [place]), 'ENOTSOCK'],
    [() => writeFileSync(place, ''), 'ENOTSOCK'],
    [() => symlinkSync('docker.sock', place), 'ENOTSOCK'],
  ];
  for (const [put, code] of lies) {
    put();
    await assert.rejects(dockerInspect(root)('abc', soon(), 1000), { code });
    await rm(place);
  }

  await mkdir(join(root, 'etc'));
  await writeFile(join(root, 'etc/passwd'), 'me:x:1000:1000:Me:/home/me:/bin/sh\n');
  const list = `${root}/home/me/.local/share/containers/storage/overlay-containers/containers.json`;
  await mkdir(dirname(list), { recursive: true });
  const places: [put: () => void, code: string][] = [
    [() => execFileSync('mkfifo', [list]), 'EINVAL'],
    [() => symlinkSync('/dev/zero', list), 'EINVAL'],
    [() => symlinkSync('/proc/kmsg', list), 'EINVAL'],
    [() => symlinkSync(join(root, 'etc/passwd'), list), 'EINVAL'],
    [() => mkdirSync(list), 'EINVAL'],
    [() => execFileSync('truncate', ['-s', '513K', list]), 'EFBIG'],
    [() => writeFileSync(list, '[{"id":"abc","names":["db"'), 'EBADMSG'],
  ];
  for (const [put, code] of places) {
    put();
    await assert.rejects(podmanInspect(root)('abc', soon(), 1000), { code });
    await rm(list, { recursive: true });
  }
});

test('no link of a user leads to the lists of somebody else', async (t) => {
  const root = await emptyRoot(t);
  await mkdir(join(root, 'etc'));
  await writeFile(join(root, 'etc/passwd'), 'me:x:1000:1000:Me:/home/me:/bin/sh\n');
  const steps = ['.local', 'share', 'containers', 'storage', 'overlay-containers'];
  for (const [i, step] of steps.entries()) {
    const elsewhere = join(root, 'root', String(i));
    await mkdir(join(elsewhere, ...steps.slice(i + 1)), { recursive: true });
    await writeFile(
      join(elsewhere, ...steps.slice(i + 1), 'containers.json'),
      JSON.stringify([{ id: 'abc', names: ['not-mine'] }]),
    );
    const home = join(root, 'home/me');
    await mkdir(join(home, ...steps.slice(0, i)), { recursive: true });
    symlinkSync(elsewhere, join(home, ...steps.slice(0, i), step));
    await assert.rejects(podmanInspect(root)('abc', soon(), 1000), { code: 'ENOTDIR' }, step);
    await rm(home, { recursive: true });
  }
});

test('an error tells nothing of what stands in the file', async (t) => {
  const root = await rootWith(t, dockerSocket, (_, answer) => answer.end('hunter2-is-the-password'));
  const list = `${root}/var/lib/containers/storage/overlay-containers/containers.json`;
  await mkdir(dirname(list), { recursive: true });
  await writeFile(list, 'hunter2-is-the-password');
  for (const inspect of [podmanInspect(root), dockerInspect(root)])
    await assert.rejects(inspect('abc', soon()), (error) => !inspectError(error).includes('hunter2'));
});

test("a list of a user has few containers, an answer of a user's dockerd few bytes", async (t) => {
  const body = JSON.stringify({ Name: '/mine', Config: { Labels: { a: 'x'.repeat(256 << 10) } } });
  const root = await rootWith(t, '/run/user/1000/docker.sock', (_, answer) => answer.end(body));
  await assert.rejects(dockerInspect(root)('abc', patiently(), 1000), { code: 'EFBIG' });

  await mkdir(join(root, 'etc'));
  await writeFile(join(root, 'etc/passwd'), 'me:x:1000:1000:Me:/home/me:/bin/sh\n');
  const ofUser = `${root}/home/me/.local/share/containers/storage/overlay-containers`;
  const ofRoot = `${root}/var/lib/containers/storage/overlay-containers`;
  const many = JSON.stringify(Array.from({ length: 1001 }, (_, i) => ({ id: `c${i}`, names: [`n${i}`] })));
  for (const place of [ofUser, ofRoot]) {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'containers.json'), many);
  }
  const inspect = podmanInspect(root);
  assert.equal((await inspect('c999', soon(), 1000))?.name, 'n999');
  assert.equal(await inspect('c1000', soon(), 1000), undefined);
  assert.equal((await inspect('c1000', soon()))?.name, 'n1000');
  // One that is as large as a user's must not be is root's own business.
  await writeFile(join(ofRoot, 'containers.json'), many + ' '.repeat(1 << 20));
  assert.equal((await inspect('c1000', soon()))?.name, 'n1000');
});

test('lists of many users: the last ones are kept', async (t) => {
  const root = await emptyRoot(t);
  await mkdir(join(root, 'etc'));
  const users = Array.from({ length: 100 }, (_, i) => i + 1000);
  await writeFile(join(root, 'etc/passwd'), users.map((uid) => `u:x:${uid}:1::/h/${uid}:/\n`).join(''));
  const inspect = podmanInspect(root);
  for (const uid of users) {
    const lists = `${root}/h/${uid}/.local/share/containers/storage/overlay-containers`;
    await mkdir(lists, { recursive: true });
    await writeFile(join(lists, 'containers.json'), JSON.stringify([{ id: 'abc', names: [`of-${uid}`] }]));
  }
  const names = await Promise.all(users.map(async (uid) => (await inspect('abc', soon(), uid))?.name));
  assert.deepEqual(
    names,
    users.map((uid) => `of-${uid}`),
  );
});

test('a containerd that speaks no gRPC, or nothing at all, costs its deadline', async (t) => {
  for (const chatter of ['HTTP/1.1 400 Bad Request\r\n\r\n', '']) {
    const root = await emptyRoot(t);
    await mkdir(join(root, 'run/containerd'), { recursive: true });
    const server = createRawServer((socket) => {
      socket.on('error', () => {});
      socket.write(chatter);
    });
    await new Promise<void>((resolve) =>
      server.listen(join(root, 'run/containerd/containerd.sock'), resolve),
    );
    const connections = new Set<Socket>();
    server.on('connection', (socket) => connections.add(socket));
    t.after(() => {
      for (const socket of connections) socket.destroy();
      server.close();
    });
    const closing = new AbortController();
    t.after(() => closing.abort());
    await assert.rejects(containerdInspect(root, closing.signal)('abc', soon()), /containerd/);
  }
});
