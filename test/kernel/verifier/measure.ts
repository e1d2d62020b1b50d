import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AgentError, codeOf, messageOf } from '../../../src/errors.ts';
import type { Addon, BpfObject } from '../../../src/native/addon.ts';
import type { Spent } from './budget.ts';

const dist = join(import.meta.dirname, '../../../dist');

export interface Verdicts {
  readonly spent: Spent;
  /** Why a program is refused, by `<object>/<program>`. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** What has nothing to do with the program. */
const otherwise = new Set(['EPERM', 'ENOMEM', 'EAGAIN', 'EMFILE', 'ENFILE', 'ENOSPC', 'UNKNOWN']);

/** Loads every program of every built object, each alone, with the constants that the object comes with. */
export async function measure(addon: Addon): Promise<Verdicts> {
  addon.raiseMemlock();
  const spent: Record<string, number | null> = {};
  const reasons = new Map<string, string>();
  for (const path of globSync(join(dist, '*.bpf.o')).sort()) {
    const elf = readFileSync(path);
    const object = basename(path, '.bpf.o');
    for (const name of programsOf(addon, elf, object)) {
      const program = `${object}/${name}`;
      try {
        spent[program] = await instructions(addon, elf, object, name);
      } catch (error) {
        if (otherwise.has(codeOf(error))) throw error;
        spent[program] = null;
        reasons.set(program, await reason(addon, elf, object, name));
      }
    }
  }
  return { spent, reasons };
}

function programsOf(addon: Addon, elf: Uint8Array, name: string): string[] {
  const object = addon.openObject(elf, name);
  object.close();
  return object.programs.map(({ name }) => name);
}

function only(addon: Addon, elf: Uint8Array, name: string, program: string): BpfObject {
  const object = addon.openObject(elf, name);
  for (const each of object.programs) object.setAutoload(each.name, each.name === program);
  return object;
}

async function instructions(addon: Addon, elf: Uint8Array, name: string, program: string): Promise<number> {
  const object = only(addon, elf, name, program);
  try {
    await object.load({ verifierStats: true });
    const { verifiedInstructions } = object.programInfo(program);
    if (verifiedInstructions > 0) return verifiedInstructions;
    throw new AgentError('UNKNOWN', `the verifier does not say what ${program} cost`);
  } finally {
    object.close();
  }
}

/** A load that asks for statistics gives no reasons: once more, without. */
async function reason(addon: Addon, elf: Uint8Array, name: string, program: string): Promise<string> {
  const object = only(addon, elf, name, program);
  try {
    await object.load();
    return 'refused only when asked for statistics';
  } catch (error) {
    const { verifierLog = '', detail = '' } = error as { verifierLog?: string; detail?: string };
    const end = (verifierLog || detail).trimEnd().split('\n').slice(-8);
    return [messageOf(error), ...end].join('\n  ');
  } finally {
    object.close();
  }
}
