import {
  features,
  general,
  needsOf,
  type Feature,
  type Need,
  type Thing,
} from '../../config/capabilities.ts';

/** What a template can read of config/capabilities.json: capabilities as Kubernetes calls them, without `CAP_`. */
export interface ChartCapabilities {
  /** All that the features need, sorted. */
  readonly capabilities: readonly string[];
  readonly features: Readonly<Record<string, ChartFeature>>;
  /** What no single feature needs. */
  readonly general: ChartFeature['needs'];
}

export interface ChartFeature {
  readonly without: string;
  /** Those that a pod has or has not: capabilities and namespaces. */
  readonly needs: readonly {
    /** One of them is enough; the first is the best. */
    readonly any: readonly string[];
    readonly for: string;
    readonly lessens: boolean;
    /** Needed below this kernel release only; empty: everywhere. */
    readonly below: string;
  }[];
}

const isOfPod = ({ kind }: Thing): boolean => kind === 'capability' || kind === 'namespace';
const nameOf = ({ name }: Thing): string => name.replace(/^CAP_/, '');

function forChart(need: Need): ChartFeature['needs'][number] {
  const { for: purpose, or = [], lessens = false, below = '' } = need;
  return { any: [need, ...or].filter(isOfPod).map(nameOf), for: purpose, lessens, below };
}

/** The first of each choice is what a pod is given. */
export function chartCapabilities(): ChartCapabilities {
  const names = Object.keys(features) as Feature[];
  const needs = [...general, ...names.flatMap((name) => features[name].needs)];
  const capabilities = needs.filter(({ kind }) => kind === 'capability').map(nameOf);
  return {
    capabilities: [...new Set(capabilities)].sort(),
    features: Object.fromEntries(
      names.map((name) => [
        name,
        { without: features[name].without, needs: needsOf(name).filter(isOfPod).map(forChart) },
      ]),
    ),
    general: general.filter(isOfPod).map(forChart),
  };
}
