import { runLine } from './base/engine.ts';
import { writeImage } from './base/image.ts';
import { until } from './base/node.ts';
import type { Runtime } from './runtime.ts';

/** Docker with a bridge for its containers and cgroupfs, which puts them where it does on a machine without systemd. */
export const runtime: Runtime = {
  async start(node) {
    node.daemon('dockerd', '--cgroup-parent', `/docker/${node.name}`, '--oom-score-adjust', '0');
    await Promise.all([
      until('dockerd', () => node.exec('docker', 'version')),
      writeImage(node.path('/tmp/image.tar'), node.path('/bin/busybox')),
    ]);
    await node.exec('docker', 'load', '--quiet', '--input', '/tmp/image.tar');
  },

  async run(node, workload) {
    const { name } = workload;
    await node.exec('docker', ...runLine(workload));
    return {
      knownAs: `/docker/${name}`,
      output: () => node.exec('docker', 'logs', name),
    };
  },
};
