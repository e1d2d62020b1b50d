/** Containers where ordinary users and Amazon ECS have them, with real runtimes: who they are told by, and by what name. */
import assert from 'node:assert/strict';
import { appendFile, mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { imageName, writeImage } from '../nodes/runtimes/base/image.ts';
import { skip, startRuntime, until, type RuntimeNode } from '../nodes/runtimes/runtime.ts';
import { noteSeen } from '../conformance/seen.ts';

const workload = [imageName, 'sleep', '1000'];

/** A node with systemd, where all cgroups are its own, and an image to load. */
async function startNode(...[t]: Parameters<typeof startRuntime>): Promise<RuntimeNode> {
  const node = await startRuntime(t, 'systemd');
  await writeImage(node.path('/tmp/image.tar'), node.path('/bin/busybox'));
  return node;
}

/** Starts the agent and waits for all these ids; answers all ids that are like them. */
async function expectIds(node: RuntimeNode, ...ids: readonly string[]): Promise<void> {
  const agent = await node.startAgent('--min-container-age', '0s');
  const page = await until(ids.join(), async () => {
    const text = await agent.page();
    return ids.every((id) => text.includes(`"${id}"`)) ? text : undefined;
  });
  noteSeen(page);
  const found = [...page.matchAll(/container_id="(\/(?:user|podman|docker|ecs|k8s)\/[^"]*)"/g)].map(
    ([, id]) => id,
  );
  assert.deepEqual([...new Set(found)].sort(), [...ids].sort());
}

const cgroupsOf = (node: RuntimeNode, pattern: string): Promise<string> =>
  node.exec('sh', '-c', `cat /proc/[0-9]*/cgroup | grep -o '${pattern}' | sort -u`);

test(
  'podman of a user: the name is in the list of containers or in that of passing ones',
  { skip },
  async (t) => {
    const node = await startNode(t, 'systemd');
    const home = '/home/somebody';
    await mkdir(node.path(home));
    await appendFile(node.path('/etc/passwd'), `somebody:x:1234:1234::${home}:/bin/sh\n`);
    await node.exec('mount', '-t', 'tmpfs', 'tmpfs', home);
    const podman = (...words: string[]): Promise<string> =>
      node.exec(
        'podman',
        ...['--root', `${home}/.local/share/containers/storage`, '--runroot', `${home}/run`],
        ...['--runtime', 'runc', '--cgroup-manager', 'systemd', ...words],
      );
    const options = [
      ...['--detach', '--cgroup-parent', 'user-1234.slice', '--network', 'none', '--log-driver', 'none'],
      // Its own wishes are beyond what a machine without CAP_SYS_RESOURCE gives.
      ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
    ];
    await podman('load', '--quiet', '--input', '/tmp/image.tar');
    await podman('run', '--name', 'stays', ...options, ...workload);
    await podman('run', '--rm', '--name', 'passes', ...options, ...workload);
    const cgroups = await cgroupsOf(node, '/user.slice/.*libpod-.*scope');
    assert.match(cgroups, /^\/user\.slice\/user-1234\.slice\/libpod-[0-9a-f]{64}\.scope$/m);
    await expectIds(node, '/user/1234/podman/passes', '/user/1234/podman/stays');
  },
);

/** dockerd with these options; answers what runs the client. */
async function startDocker(
  node: RuntimeNode,
  ...options: string[]
): Promise<(...words: string[]) => Promise<string>> {
  const socket = options[1]!;
  node.daemon('dockerd', '--bridge', 'none', '--oom-score-adjust', '0', ...options);
  const docker = (...words: string[]): Promise<string> => node.exec('docker', '--host', socket, ...words);
  await until('dockerd', () => docker('version'));
  await docker('load', '--quiet', '--input', '/tmp/image.tar');
  return docker;
}

test('docker of a user: by the socket of that user, whatever its labels say', { skip }, async (t) => {
  const node = await startNode(t, 'systemd');
  await node.exec('mkdir', '-p', '/run/user/1234');
  const docker = await startDocker(
    node,
    ...['--host', 'unix:///run/user/1234/docker.sock'],
    ...['--exec-opt', 'native.cgroupdriver=systemd', '--cgroup-parent', 'user-1234.slice'],
  );
  const labels = ['pod.name=web-0', 'pod.namespace=shop', 'container.name=web'].map(
    (label) => `--label=io.kubernetes.${label}`,
  );
  await docker('run', '--detach', '--network', 'none', '--name', 'mine', ...labels, ...workload);
  const cgroups = await cgroupsOf(node, '/user.slice/.*docker-.*scope');
  assert.match(cgroups, /^\/user\.slice\/user-1234\.slice\/docker-[0-9a-f]{64}\.scope$/m);
  await expectIds(node, '/user/1234/docker/mine');
});

test('a task of Amazon ECS: the task and the name of the container in it', { skip }, async (t) => {
  const node = await startNode(t, 'systemd');
  const docker = await startDocker(
    node,
    ...['--host', 'unix:///run/docker.sock', '--exec-opt', 'native.cgroupdriver=cgroupfs'],
  );
  const task = '0123456789abcdef0123456789abcdef';
  const run = (name: string, label: string): Promise<string> =>
    docker(
      ...['run', '--detach', '--network', 'none', '--name', name, '--cgroup-parent', `/ecs/${task}`],
      ...['--label', `com.amazonaws.ecs.container-name=${label}`, ...workload],
    );
  await run('ecs-web-1-app-a0b1', 'app');
  await run('ecs-web-1-pause', '~internal~ecs~pause');
  assert.match(await cgroupsOf(node, '/ecs/.*'), new RegExp(`^/ecs/${task}/[0-9a-f]{64}$`, 'm'));
  await expectIds(node, `/ecs/${task}/app`);
});
