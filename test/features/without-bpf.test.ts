/** Machines where programs cannot be loaded: the node is all there, and the features say why the rest is not. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test, type TestContext } from 'node:test';
import { denying, skipDeny } from '../faults/deny.ts';
import { bundle } from '../peers/peer.ts';
import { onlyVirtual } from '../nodes/virtual.ts';
import { assertLost, look, lookAtAll, skip as noRoot, type States } from './machine.ts';

const root = join(import.meta.dirname, '../..');
const skip = noRoot || skipDeny;

/** Everything that eBPF programs do; open connections are then read from procfs. */
const off = (reason: string): States =>
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
const mounting = (script: string): string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', `${script}\nexec "$@"`, 'sh'],
];
const refused = (errno: 'EPERM' | 'ENOSYS'): string[] => denying({ syscalls: ['bpf'], errno }, 'env', []);

const machines: readonly (readonly [name: string, launcher: () => string[], lost: States])[] = [
  ['a kernel without BTF', () => mounting('mount -t tmpfs none /sys/kernel/btf'), off('no_kernel_config')],
  ['bpf(2) refused by a filter', () => refused('EPERM'), off('denied')],
  ['no bpf(2) at all', () => refused('ENOSYS'), off('denied')],
  [
    'lockdown',
    () => [
      ...mounting(
        'mount -t tmpfs none /sys/kernel/security\necho "none integrity [confidentiality]" >/sys/kernel/security/lockdown',
      ),
      ...refused('EPERM'),
    ],
    off('locked_down'),
  ],
  [
    'an old kernel',
    () => [
      ...mounting(
        'echo 4.19.0 >/tmp/release.$$\nmount --bind /tmp/release.$$ /proc/sys/kernel/osrelease\nrm /tmp/release.$$',
      ),
      ...refused('EPERM'),
    ],
    off('old_kernel'),
  ],
];

for (const [name, launcher, lost] of machines)
  test(name, { skip: skip || (!existsSync('/sys/kernel/btf') && 'needs a kernel with BTF') }, async (t) => {
    assertLost(await lookAtAll(t), await look(t, launcher()), lost);
  });

test(
  'root without a single capability, as kernel.unprivileged_bpf_disabled meets it',
  { skip },
  async (t) => {
    const bare = await look(t, ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all']);
    for (const [feature, state] of off('no_capability')) assert.equal(bare.states.get(feature), state);
    assert.deepEqual(bare.nodeSeries, (await lookAtAll(t)).nodeSeries);
  },
);

/** Nobody may read the checkout where others keep it: it is shown at a place that everybody can reach. */
const shown = '/mnt';
const showing = (path: string): string =>
  path.startsWith(`${root}/`) ? join(shown, relative(root, path)) : path;
const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];

test('somebody without any rights', { skip }, async (t) => assertNobody(t));

const sysctl = '/proc/sys/kernel/unprivileged_bpf_disabled';
for (const value of ['0', '2'])
  test(
    `somebody without any rights, with kernel.unprivileged_bpf_disabled = ${value}`,
    { skip: skip || onlyVirtual },
    async (t) => {
      const before = readFileSync(sysctl, 'utf8');
      t.after(() => writeFileSync(sysctl, before));
      writeFileSync(sysctl, value);
      await assertNobody(t);
    },
  );

async function assertNobody(t: TestContext): Promise<void> {
  const launcher = [...mounting(`mount --bind ${root} ${shown}`), ...nobody];
  const bare = await look(t, launcher, showing(bundle), showing(process.execPath));
  for (const [feature, state] of off('no_capability')) assert.equal(bare.states.get(feature), state);
  assert.deepEqual(bare.nodeSeries, (await lookAtAll(t)).nodeSeries);
}
