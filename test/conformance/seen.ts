/** What real agents were seen to serve: evidence for the conformance tables. */
import { release } from 'node:os';
import { note } from '../proof.ts';

/** A family with one of the sets of labels that its series had. */
export interface Sighting {
  readonly family: string;
  readonly type: string;
  /** Names, sorted. */
  readonly labels: readonly string[];
  /** Release of the kernel that the agent ran on. */
  readonly kernel: string;
}

const noted = new Set<string>();

/** Notes what a page of a real agent shows, its own or what a Collector makes of it; other pages are left alone. */
export function noteSeen(page: string): void {
  if (!page.includes('\nnode_agent_info{')) return;
  for (const sighting of sightingsOf(page, release())) {
    const key = JSON.stringify(sighting);
    if (noted.has(key)) continue;
    noted.add(key);
    note('seen', sighting);
  }
}

/** Families of a page in Prometheus text format, once for each set of labels. */
export function sightingsOf(page: string, kernel: string): Sighting[] {
  const types = new Map([...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]));
  const found = new Map<string, Sighting>();
  for (const [, name, text = ''] of page.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const names = [...text.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label!);
    const [family, type] = familyOf(name!, types);
    const labels = names.filter((label) => !(type === 'histogram' && label === 'le')).sort();
    found.set(`${family} ${labels.join(',')}`, { family, type, labels, kernel });
  }
  return [...found.values()];
}

function familyOf(sample: string, types: ReadonlyMap<string, string>): [family: string, type: string] {
  const base = sample.replace(/_(bucket|sum|count)$/, '');
  if (types.get(base) === 'histogram') return [base, 'histogram'];
  return [sample, types.get(sample) ?? 'untyped'];
}
