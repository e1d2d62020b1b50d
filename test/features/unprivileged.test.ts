/** Somebody without any rights, where the machine lets everybody load programs, or nobody. */
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { onlyVirtual } from '../nodes/virtual.ts';
import { skip } from './machine.ts';
import { assertNobody } from './nobody.ts';

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
