import capabilities from './capabilities.json' with { type: 'json' };

/** Everything of the agent that can be missing by itself: the label `feature` of `node_agent_feature_enabled`. */
export type Feature = keyof typeof capabilities.features;

/** Why a feature is off or works in a lesser way: the label `reason`. */
export type Reason = keyof typeof capabilities.reasons;

/**
 * Something that can be there or not, by kind:
 * - `capability`: capabilities(7), `CAP_BPF`
 * - `kernel`: the oldest release, `5.10`
 * - `config`: an option of the kernel's build, `CONFIG_BPF_SYSCALL`
 * - `mount`: the type of a file system whose root must be mounted, `cgroup2`
 * - `namespace`: `pid` must be the host's, any other that of pid 1
 * - `sysctl`: a setting that must not be 0, `kernel.bpf_stats_enabled`
 * - `lockdown`: the highest level of kernel_lockdown(7) that is bearable, `integrity`
 * - `feature`: another feature, with all that it needs
 */
export interface Thing {
  readonly kind:
    'capability' | 'kernel' | 'config' | 'mount' | 'namespace' | 'sysctl' | 'lockdown' | 'feature';
  readonly name: string;
}

export interface Need extends Thing {
  /** Completes "needed for". */
  readonly for: string;
  /** Without it the feature works, in a lesser way. */
  readonly lessens?: boolean;
  /** Each of these does as well. */
  readonly or?: readonly Thing[];
  /** Needed below this kernel release only. */
  readonly below?: string;
}

export interface FeatureSpec {
  readonly description: string;
  /** What is lost or different while it is off. */
  readonly without: string;
  readonly needs: readonly Need[];
}

/** `capabilities.json`, the one list of what each feature needs; a need that is more likely the cause comes first. */
export const features = capabilities.features as Readonly<Record<Feature, FeatureSpec>>;

/** What no feature has to itself, and many are poorer without. */
export const general = capabilities.general as readonly Need[];

/** What each reason means, as a sentence. */
export const reasons: Readonly<Record<Reason, string>> = capabilities.reasons;

/**
 * Needs of a feature and of the features that it stands on. What only lessens one of those does not matter; where that
 * one only lessens this one, so does all that it needs.
 */
export function needsOf(
  feature: Feature,
  table: Readonly<Record<string, FeatureSpec>> = features,
): readonly Need[] {
  return (table[feature]?.needs ?? []).flatMap((need) => {
    if (need.kind !== 'feature') return [need];
    const below = needsOf(need.name as Feature, table).filter(({ lessens }) => !lessens);
    return [need, ...(need.lessens ? below.map((deeper) => ({ ...deeper, lessens: true })) : below)];
  });
}
