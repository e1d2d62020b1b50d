import type { Attributes } from '@opentelemetry/api';
import type { Container } from '../model/containers.ts';

interface Kinds {
  readonly some: Attributes;
  readonly full: Attributes;
}

const made = new WeakMap<Attributes, Kinds>();

/** Labels of a container with `kind`: one object each for as long as those of the container live. */
export function kindLabels({ labels }: Container): Kinds {
  let kinds = made.get(labels);
  if (kinds === undefined) {
    kinds = { some: { ...labels, kind: 'some' }, full: { ...labels, kind: 'full' } };
    made.set(labels, kinds);
  }
  return kinds;
}
