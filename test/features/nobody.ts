/** The agent without any rights, and what it then says. */
import assert from 'node:assert/strict';
import { join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { bundle } from '../peers/peer.ts';
import { look, lookAtAll, type States } from './machine.ts';

const root = join(import.meta.dirname, '../..');

/** Everything that eBPF programs do; open connections are then read from procfs. */
export const off = (reason: string): States =>
  new Map([
    ['cgroup_events', `0 ${reason}`],
    ['tcp', `0 ${reason}`],
    ['tcp_active', `1 ${reason}`],
    ['tcp_older', `1 ${reason}`],
    ['nat', `0 ${reason}`],
    ['oom_kills', `1 ${reason}`],
    ['delays', `1 ${reason}`],
    ['volumes', `1 ${reason}`],
  ]);

/** A command line that changes mounts, in a namespace of its own, before it runs the rest. */
export const mounting = (script: string): string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', `${script}\nexec "$@"`, 'sh'],
];
/** Nobody may read the checkout where others keep it: it is shown at a place that everybody can reach. */
const shown = '/mnt';
const showing = (path: string): string =>
  path.startsWith(`${root}/`) ? join(shown, relative(root, path)) : path;
const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];

export async function assertNobody(t: TestContext): Promise<void> {
  const launcher = [...mounting(`mount --bind ${root} ${shown}`), ...nobody];
  const bare = await look(t, launcher, showing(bundle), showing(process.execPath));
  for (const [feature, state] of off('no_capability')) assert.equal(bare.states.get(feature), state);
  assert.deepEqual(bare.nodeSeries, (await lookAtAll(t)).nodeSeries);
}
