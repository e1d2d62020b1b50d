import type { Attributes } from '@opentelemetry/api';

/** Attributes that may be shown: every name is a Prometheus label name, every value a string, sorted by name. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Prometheus data model, less the double underscore: such names are reserved, and the serializer folds them,
 * so that two names could become one.
 */
const labelName = /^(?!.*__)[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Sorted copy, or undefined when a name or a value cannot be shown. Lone surrogates are replaced here already:
 * both encoders would do it later, and two series could then end up as one.
 */
export function toLabels(attributes: Attributes): Labels | undefined {
  const labels: Record<string, string> = {};
  for (const name of Object.keys(attributes).sort()) {
    const value = attributes[name];
    if (typeof value !== 'string' || !labelName.test(name)) return undefined;
    labels[name] = value.toWellFormed();
  }
  return labels;
}

/** Unambiguous text of sorted labels: equal labels, equal text. */
export function labelsKey(labels: Labels): string {
  let key = '';
  for (const name in labels) {
    const value = labels[name]!;
    key += `${name}=${value.length}:${value}`;
  }
  return key;
}

/** Both, sorted; undefined when they share a name: which of the two is meant cannot be known. */
export function mergeLabels(constant: Attributes, own: Labels): Labels | undefined {
  for (const name in constant) if (Object.hasOwn(own, name)) return undefined;
  return toLabels({ ...constant, ...own });
}
