/** State of one capability of the agent; `reason` is a short token, empty while it works as intended. */
export interface FeatureState {
  readonly enabled: boolean;
  readonly reason: string;
}

/** What works on this machine and what does not: the source of `node_agent_feature_enabled` and of one log line per change. */
export class Features {
  readonly #states = new Map<string, FeatureState>();
  readonly #onChange: (feature: string, state: FeatureState, detail: string) => void;

  constructor(onChange: (feature: string, state: FeatureState, detail: string) => void = () => {}) {
    this.#onChange = onChange;
  }

  /** `reason` may also be set on a working feature that works in a lesser way. */
  set(feature: string, enabled: boolean, reason = '', detail = ''): void {
    const before = this.#states.get(feature);
    if (before?.enabled === enabled && before.reason === reason) return;
    const state = { enabled, reason };
    this.#states.set(feature, state);
    this.#onChange(feature, state, detail);
  }

  get(feature: string): FeatureState | undefined {
    return this.#states.get(feature);
  }

  all(): ReadonlyMap<string, FeatureState> {
    return this.#states;
  }
}
