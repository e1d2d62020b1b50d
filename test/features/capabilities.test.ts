/** Every capability of the one list, taken away with all that would do as well: exactly what needs it goes. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';
import { features, needsOf, type Feature, type Need, type Thing } from '../../config/capabilities.ts';
import { isOlder } from '../../src/needs/lacks.ts';
import { assertLost, look, lookAtAll, skip } from './machine.ts';

const isCapability = ({ kind }: Thing): boolean => kind === 'capability';

/** A process of this machine has it without any capability: its namespaces are those of pid 1. */
function isGiven({ kind, name }: Thing): boolean {
  try {
    return (
      kind === 'namespace' && statSync(`/proc/1/ns/${name}`).ino === statSync(`/proc/self/ns/${name}`).ino
    );
  } catch {
    return false;
  }
}

function isLost(need: Need, dropped: ReadonlySet<string>): boolean {
  if (!isCapability(need) || (need.below !== undefined && !isOlder(release(), need.below))) return false;
  return [need, ...(need.or ?? [])].every((way) =>
    isCapability(way) ? dropped.has(way.name) : !isGiven(way),
  );
}

const all = Object.keys(features) as Feature[];
const sets = new Map<string, ReadonlySet<string>>();
for (const need of all.flatMap((feature) => features[feature].needs).filter(isCapability)) {
  const dropped = [need, ...(need.or ?? [])].filter(isCapability).map(({ name }) => name);
  sets.set(dropped.join(' and '), new Set(dropped));
}

test('the list names capabilities', () => assert.ok(sets.size >= 5, [...sets.keys()].join(', ')));

for (const [names, dropped] of sets)
  test(`without ${names}`, { skip }, async (t) => {
    const minus = [...dropped].map((name) => `-${name.replace('CAP_', '').toLowerCase()}`).join();
    // Below 5.11 memory of maps counts as locked: with room enough nobody would miss the right to raise the limit.
    const locked = ['prlimit', '--memlock=65536:65536'];
    const whole = await lookAtAll(t);
    const less = await look(t, [...locked, 'setpriv', '--bounding-set', minus, '--inh-caps', minus]);
    const lost = new Map<string, string>();
    for (const feature of all) {
      const missing = needsOf(feature).filter((need) => isLost(need, dropped));
      if (missing.length === 0) continue;
      lost.set(feature, `${missing.every(({ lessens }) => lessens) ? 1 : 0} no_capability`);
      const [line] = less.lines.get(feature) ?? [];
      for (const { name } of missing) assert.match(line?.detail ?? '', new RegExp(`needs .*${name}`));
    }
    assertLost(whole, less, lost);
  });
