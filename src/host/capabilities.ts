import { readFileSync } from 'node:fs';

/** Numbers of capabilities(7) that are asked for. Source: linux/capability.h. */
const bits: Readonly<Record<string, number>> = {
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
};

/** The effective capabilities of this process (`CapEff` of proc_pid_status(5)); undefined where procfs does not say. */
export function capabilitiesOf(proc: string): bigint | undefined {
  try {
    const [, hex] = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(readFileSync(`${proc}/self/status`, 'utf8')) ?? [];
    return hex === undefined ? undefined : BigInt(`0x${hex}`);
  } catch {
    return undefined;
  }
}

/** Undefined: the set or the name is not known. */
export function hasCapability(set: bigint | undefined, name: string): boolean | undefined {
  const bit = bits[name];
  return set === undefined || bit === undefined ? undefined : ((set >> BigInt(bit)) & 1n) === 1n;
}
