import { runLine } from './base/engine.ts';
import { writeImage } from './base/image.ts';
import type { Runtime } from './runtime.ts';

/**
 * Podman. A container runs below the cgroup of a service, where a systemd unit made by podman puts it; that service is
 * its name. runc, because crun refuses hybrid cgroups.
 */
export const runtime: Runtime = {
  async start(node) {
    await writeImage(node.path('/tmp/image.tar'), node.path('/bin/busybox'));
    await node.exec('podman', 'load', '--quiet', '--input', '/tmp/image.tar');
  },

  async run(node, workload) {
    const { name } = workload;
    const service = `/system.slice/${node.name}-${name}.service`;
    const podman = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs'];
    const options = [
      ...['--cgroup-parent', service, '--log-driver', 'k8s-file'],
      // Its own wishes are beyond what a machine without CAP_SYS_RESOURCE gives.
      ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
    ];
    await node.exec('podman', ...podman, ...runLine(workload, ...options));
    return {
      knownAs: [service],
      output: () => node.exec('podman', ...podman, 'logs', name),
    };
  },
};
