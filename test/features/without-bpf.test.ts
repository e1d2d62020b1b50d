/** Machines where programs cannot be loaded: the node is all there, and the features say why the rest is not. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { denying, skipDeny } from '../faults/deny.ts';
import { assertLost, look, lookAtAll, skip as noRoot, type States } from './machine.ts';
import { assertNobody, mounting, off } from './nobody.ts';

const skip = noRoot || skipDeny;

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

test('somebody without any rights', { skip }, async (t) => assertNobody(t));
