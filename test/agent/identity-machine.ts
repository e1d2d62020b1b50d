/** Captured machines of each kind of cgroup tree, with cgroups as examples say, and runtimes that answer for them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { Server, ServerCredentials, status, type handleUnaryCall } from '@grpc/grpc-js';
import protobuf from 'protobufjs/minimal.js';
import { capturedHost, type CapturedHost } from '../hosts/host.ts';
import type { Example, RuntimeName, Said } from './identity-examples.ts';

type Kind = 'v2' | 'v1' | 'hybrid';

/** Trees of each kind, and in which of them a container has its directory. */
const mounted: Record<Kind, { mountinfo: string; cgroups: string; trees: readonly string[] }> = {
  v2: { mountinfo: '', cgroups: '', trees: [''] },
  v1: {
    mountinfo: 'memory cgroup memory\ncpu,cpuacct cgroup cpu,cpuacct\nsystemd cgroup name=systemd',
    cgroups: 'memory\t4\t9\t1\n',
    trees: ['/memory', '/cpu,cpuacct', '/systemd'],
  },
  hybrid: {
    mountinfo: 'memory cgroup memory\ncpu,cpuacct cgroup cpu,cpuacct\nunified cgroup2 rw',
    cgroups: 'memory\t4\t9\t1\n',
    trees: ['/memory', '/cpu,cpuacct', '/unified'],
  },
};

export async function write(path: string, text: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

export const idOf = (index: number): string => index.toString(16).padStart(4, '0').repeat(3).padEnd(64, 'e');

/** memory.stat of v1 and v2 in one: what is written first counts. */
const memory = (bytes: number): string =>
  `anon ${bytes}\nfile_mapped 0\ntotal_rss ${bytes}\ntotal_mapped_file 0\n`;

/** A machine of a kind with these cgroups, in each of which a process runs. */
export async function machineWith(
  t: TestContext,
  kind: Kind,
  all: readonly Example[],
): Promise<CapturedHost> {
  const host = await capturedHost(t, 'bare');
  const { mountinfo, cgroups, trees } = mounted[kind];
  const mounts = mountinfo
    .split('\n')
    .filter(Boolean)
    .map((line, i) => {
      const [place, type, options] = line.split(' ');
      return `${i + 30} 1 0:${i + 30} / ${host.cgroup}/${place} rw - ${type} cgroup rw,${options}\n`;
    });
  await write(join(host.proc, 'self/mountinfo'), mounts.join(''));
  if (cgroups !== '')
    await write(join(host.proc, 'cgroups'), `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${cgroups}`);
  for (const [i, { path, own }] of all.entries()) {
    const pid = 100 + i;
    await write(join(host.proc, `${pid}/cgroup`), `0::${(own ?? path).replaceAll('<64>', idOf(i))}\n`);
    const named = path.replaceAll('<64>', idOf(i));
    for (const tree of trees) {
      const directory = join(host.cgroup, tree, named);
      await write(join(directory, 'cgroup.procs'), `${pid}\n`);
      await write(join(directory, 'memory.stat'), memory(i));
      // Every cgroup has its files, those that hold nothing but others, too.
      for (let above = dirname(named); above !== '/'; above = dirname(above))
        await writeFile(join(host.cgroup, tree, above, 'memory.stat'), memory(0), { flag: 'a' });
    }
  }
  return host;
}

/** dockerd, CRI-O, containerd and the dockerd of a user, who know the containers of these examples. */
export async function answerFor(t: TestContext, host: CapturedHost, all: readonly Example[]): Promise<void> {
  const said = (by: RuntimeName, id: string): Said | undefined =>
    all.find((example, i) => example.by === by && idOf(i) === id)?.says;
  const byHttp = async (
    by: RuntimeName,
    socket: string,
    answerOf: (said: Exclude<Said, Buffer>) => object,
  ): Promise<void> => {
    await mkdir(dirname(join(host.root, socket)), { recursive: true });
    const server = createServer(({ url = '' }, answer) => {
      const found = said(by, url.split('/')[2] ?? '');
      if (found === undefined) answer.writeHead(404).end();
      else answer.end(Buffer.isBuffer(found) ? found : JSON.stringify(answerOf(found)));
    });
    await new Promise<void>((resolve) => server.listen(join(host.root, socket), resolve));
    t.after(() => server.close());
  };
  const ofDocker = ({ name, labels, environment, image }: Exclude<Said, Buffer>): object => ({
    Name: name,
    Config: { Labels: labels, Env: environment, Image: image ?? 'image:1' },
  });
  await byHttp('docker', 'run/docker.sock', ofDocker);
  await byHttp('user', 'run/user/1000/docker.sock', ofDocker);
  await byHttp('crio', 'run/crio/crio.sock', ({ labels }) => ({ name: 'k8s', labels, image: 'image:1' }));

  const get: handleUnaryCall<string, Said> = ({ request }, done) => {
    const found = said('containerd', request);
    if (found === undefined) done({ code: status.NOT_FOUND });
    else done(null, found);
  };
  const containerd = new Server();
  containerd.addService(
    {
      get: {
        path: '/containerd.services.containers.v1.Containers/Get',
        requestStream: false,
        responseStream: false,
        requestSerialize: (id: string) => Buffer.from(id),
        requestDeserialize: (bytes: Buffer) => bytes.toString('utf8', 2),
        responseSerialize: (answer: Said) => encodeContainer(Buffer.isBuffer(answer) ? {} : answer),
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    { get },
  );
  await mkdir(join(host.root, 'run/containerd'), { recursive: true });
  const address = `unix:${join(host.root, 'run/containerd/containerd.sock')}`;
  await new Promise<void>((resolve, reject) =>
    containerd.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  t.after(() => containerd.forceShutdown());
}

/** GetContainerResponse of containerd: labels are field 2 of the container, its image field 3. */
function encodeContainer({ labels = {} }: Exclude<Said, Buffer>): Buffer {
  const container = protobuf.Writer.create();
  for (const [key, value] of Object.entries(labels))
    container.uint32(18).fork().uint32(10).string(key).uint32(18).string(value).ldelim();
  container.uint32(26).string('image:1');
  return Buffer.from(protobuf.Writer.create().uint32(10).bytes(container.finish()).finish());
}
