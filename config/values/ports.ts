import type { ValueType } from './value.ts';

/** First and last port, both included. */
export type PortRange = readonly [first: number, last: number];

/** `32768-60999`, several separated by spaces or commas, a single port; an empty text is no range at all. */
export const portRanges: ValueType<readonly PortRange[]> = {
  name: 'port ranges',
  placeholder: 'RANGES',
  expected: 'a list of port ranges such as 32768-60999',
  parse: (text) =>
    text
      .split(/[\s,]+/)
      .filter((range) => range !== '')
      .map(parseRange),
};

function parseRange(text: string): PortRange {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = [Number(first), Number(last ?? first)] as const;
  if (!(range[0] <= range[1] && range[1] <= 65535))
    throw new Error(`see ${JSON.stringify(text.slice(0, 40))}`);
  return range;
}
