import type { ValueType } from '../values/value.ts';

/** One option, declared once: flag, variable, file key, help and documentation are derived from it. */
export interface OptionSpec<T = unknown> {
  readonly type: ValueType<T>;
  /** As a user would write it. */
  readonly default: string;
  readonly help: string;
  /** Further names of the flag and of the file key. */
  readonly aliases?: readonly string[];
  /** Environment variables, the first that is set counts. Left out: the name in capitals. */
  readonly envs?: readonly string[];
  /** True when it makes no sense inside a configuration file. */
  readonly notInFile?: true;
  /** True when its value must not be shown. */
  readonly sensitive?: true;
  /** The feature that the option belongs to, as long as this agent does not have it: accepted, without effect. */
  readonly waitsFor?: string;
}

/** Options of one subject under their flag names. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The type of an option's value. */
export type ValueOf<S extends OptionSpec> = S extends { readonly type: ValueType<infer T> } ? T : never;
