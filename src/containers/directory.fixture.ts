/** Directories for tests: with a clock of the test, and asking the test. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { Asking } from './asker.ts';
import { Directory, type DirectoryRules } from './directory.ts';
import type { UnitFacts } from './systemd/facts.ts';

export const minute = 60_000;
const everything = { skipSystemServices: true, trackScopes: false, minAgeMs: 0, maxContainers: 5000 };

/** Ids of a runtime. */
export const id64 = 'a1b2c3d4e5f6'.padEnd(64, '0');
export const hex64 = (i: number): string => i.toString(16).padStart(64, '0');

/** Where a user makes cgroups. */
export const userSlice = '/user.slice/user-1000.slice/user@1000.service/user.slice';

export function setUp(rules: Partial<DirectoryRules> = {}) {
  const time = { ms: 1_000_000_000 };
  const now = (): never => assert.fail('ages must not follow the wall clock');
  const clock = { now, monotonic: () => time.ms };
  return {
    time,
    clock,
    directory: new Directory({ ...everything, ...rules }, clock),
  };
}

/** A directory that asks the test for names. */
export function asking(rules: Partial<DirectoryRules> = {}) {
  const { time, clock, directory: bare } = setUp(rules);
  const asked: Asking[] = [];
  const directory = new Directory(bare.rules, clock, { ask: (_, asking) => void asked.push(asking) });
  return { time, directory, asked };
}

/** A directory that asks the test what units are. */
export function askingUnits(rules: Partial<DirectoryRules> = {}) {
  const { time, clock, directory: bare } = setUp(rules);
  const asked: { unit: string; answer: (type: string, triggeredBy?: string) => Promise<void> }[] = [];
  const askUnit = (unit: string): Promise<UnitFacts> =>
    new Promise((resolve) => {
      const answer = async (type: string, triggeredBy = ''): Promise<void> => {
        resolve({ type, triggeredBy });
        await setImmediate();
      };
      asked.push({ unit, answer });
    });
  return { time, asked, directory: new Directory(bare.rules, clock, { askUnit }) };
}

/** Those that are shown. */
export const idsOf = (directory: Directory): string[] =>
  [...directory.all()].filter(({ visible }) => visible).map(({ id }) => id);
