import { runLine } from './base/engine.ts';
import { writeImage } from './base/image.ts';
import { until } from './base/node.ts';
import type { Runtime } from './runtime.ts';

/** Podman of root, with its containers where they are on a machine with systemd. runc, because crun refuses hybrid cgroups. */
export const runtime: Runtime = {
  async start(node) {
    await writeImage(node.path('/tmp/image.tar'), node.path('/bin/busybox'));
    await until('podman', () => node.exec('podman', 'load', '--quiet', '--input', '/tmp/image.tar'));
  },

  async run(node, workload) {
    const { name } = workload;
    const podman = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs'];
    const options = [
      ...['--cgroup-parent', `/machine.slice/${node.name}`, '--log-driver', 'k8s-file'],
      // Its own wishes are beyond what a machine without CAP_SYS_RESOURCE gives.
      ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
    ];
    await node.exec('podman', ...podman, ...runLine(workload, ...options));
    return {
      knownAs: `/podman/${name}`,
      output: () => node.exec('podman', ...podman, 'logs', name),
    };
  },
};
