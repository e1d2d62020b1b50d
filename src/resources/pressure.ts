import type { FigureSource } from './figures.ts';

/** Seconds waited, in the order of `resources`. */
export interface Pressure {
  readonly some: readonly number[];
  /** 0 where the kernel has no such line: CPU before Linux 5.13. */
  readonly full: readonly number[];
}

export const resources = ['cpu', 'memory', 'io'] as const;

/** Pressure stall information of cgroup v2 (Documentation/accounting/psi.rst): all three files, or nothing. */
export function pressureV2(root: string): FigureSource<Pressure | undefined> {
  return {
    files: (path) => resources.map((resource) => `${root}${path}/${resource}.pressure`),
    parse(texts) {
      const lines = texts.map((text) => ({ some: totalOf(text, 'some'), full: totalOf(text, 'full') }));
      if (lines.some(({ some }) => some === undefined)) return undefined;
      return { some: lines.map(({ some }) => some ?? 0), full: lines.map(({ full }) => full ?? 0) };
    },
  };
}

export function isSame(one: Pressure, other: Pressure | undefined): boolean {
  return resources.every((_, i) => one.some[i] === other?.some[i] && one.full[i] === other?.full[i]);
}

export function addPressure(one: Pressure | undefined, other: Pressure | undefined): Pressure | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const add = (kind: 'some' | 'full'): number[] => one[kind].map((seconds, i) => seconds + other[kind][i]!);
  return { some: add('some'), full: add('full') };
}

function totalOf(text: string | undefined, kind: 'some' | 'full'): number | undefined {
  const total = new RegExp(`^${kind} .*total=(\\d+)$`, 'm').exec(text ?? '')?.[1];
  return total === undefined ? undefined : Number(total) / 1e6;
}
