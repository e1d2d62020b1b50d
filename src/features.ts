import type { Feature, Reason } from '../config/capabilities.ts';
import { codeOf, messageOf } from './errors.ts';

/** State of one feature of the agent; `reason` is empty while it works as intended. */
export interface FeatureState {
  readonly enabled: boolean;
  readonly reason: Reason | '';
}

/** Why something failed, with the words for the log. */
export interface Explanation {
  readonly reason: Reason;
  readonly detail: string;
}

/** Answers undefined when the error is not for want of anything known. `features` are those that have a state by now. */
export type Explain = (
  feature: Feature,
  error: unknown,
  features: Pick<Features, 'get'>,
) => Explanation | undefined;

/** What works on this machine and what does not: the source of `node_agent_feature_enabled` and of one log line per change. */
export class Features {
  readonly #states = new Map<Feature, FeatureState>();
  readonly #onChange: (feature: Feature, state: FeatureState, detail: string) => void;
  readonly #explain: Explain;

  constructor(
    onChange: (feature: Feature, state: FeatureState, detail: string) => void = () => {},
    explain: Explain = () => undefined,
  ) {
    this.#onChange = onChange;
    this.#explain = explain;
  }

  /** `reason` may also be set on a working feature that works in a lesser way. */
  set(feature: Feature, enabled: boolean, reason: Reason | '' = '', detail = ''): void {
    const before = this.#states.get(feature);
    if (before?.enabled === enabled && before.reason === reason) return;
    const state = { enabled, reason };
    this.#states.set(feature, state);
    this.#onChange(feature, state, detail);
  }

  /** It is off because of `error`, which may carry the `reason` itself. */
  fail(feature: Feature, error: unknown): void {
    this.#explained(feature, false, error, reasonOf(error));
  }

  /** It works in a lesser way because of `error`; `reason` is for an error that is not for want of a need. */
  lessen(feature: Feature, error: unknown, reason = reasonOf(error)): void {
    this.#explained(feature, true, error, reason);
  }

  get(feature: Feature): FeatureState | undefined {
    return this.#states.get(feature);
  }

  all(): ReadonlyMap<Feature, FeatureState> {
    return this.#states;
  }

  #explained(feature: Feature, enabled: boolean, error: unknown, otherwise: Reason): void {
    const { reason, detail } = this.#explain(feature, error, this) ?? {
      reason: otherwise,
      detail: messageOf(error),
    };
    this.set(feature, enabled, reason, detail);
  }
}

/** The verifier answers EACCES too; what tells it from a refusal to ask is its log. */
function reasonOf(error: unknown): Reason {
  const { reason, verifierLog } = (error ?? {}) as { reason?: Reason; verifierLog?: unknown };
  if (reason !== undefined) return reason;
  const refusals = verifierLog ? [] : ['EPERM', 'EACCES', 'ENOSYS'];
  return refusals.includes(codeOf(error)) ? 'denied' : 'kernel';
}
