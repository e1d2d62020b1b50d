import type { Attributes } from '@opentelemetry/api';

/**
 * Labels of a container with more of their own: one object for each key, for as long as the labels of the container live,
 * because series are found again by that object.
 */
export function labelsWith<K>(more: (key: K) => Attributes): (labels: Attributes, key: K) => Attributes {
  const made = new WeakMap<Attributes, Map<K, Attributes>>();
  return (labels, key) => {
    let byKey = made.get(labels);
    if (byKey === undefined) made.set(labels, (byKey = new Map<K, Attributes>()));
    let all = byKey.get(key);
    if (all === undefined) byKey.set(key, (all = { ...labels, ...more(key) }));
    return all;
  };
}
