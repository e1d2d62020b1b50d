/** Lists of words, to be found again by any that has as many and differs in one at most. */
export interface Likeness<Value> {
  add(words: readonly string[], value: Value): void;
  find(words: readonly string[]): Value | undefined;
}

interface Entry<Value> {
  readonly prints: Float64Array;
  readonly value: Value;
}

/** Where one word differs, the words before the middle or those behind it are the same: by these they are found. */
export function likeness<Value>(): Likeness<Value> {
  const byHalf = new Map<number, Entry<Value>[]>();
  return {
    add(words, value) {
      const entry = { prints: printsOf(words), value };
      for (const half of halvesOf(entry.prints)) {
        const alike = byHalf.get(half);
        if (alike === undefined) byHalf.set(half, [entry]);
        else alike.push(entry);
      }
    },
    find(words) {
      const prints = printsOf(words);
      for (const half of halvesOf(prints))
        for (const entry of byHalf.get(half) ?? [])
          if (differsInOne(entry.prints, prints)) return entry.value;
      return undefined;
    },
  };
}

/** Bytes that a list of words takes. */
export function likenessBytes(words: readonly string[]): number {
  return 8 * words.length + 256;
}

/** 53 bits of each word, by multiplying and mixing as MurmurHash3 does: as good as the words, and of one size. */
function printsOf(words: readonly string[]): Float64Array {
  const prints = new Float64Array(words.length);
  for (let index = 0; index < words.length; index++) prints[index] = printOf(words[index]!);
  return prints;
}

function printOf(word: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0);
}

/** A key for the words before the middle of so many, and one for the others. */
function halvesOf(prints: Float64Array): readonly [number, number] {
  const middle = prints.length >> 1;
  return [
    folded(prints, 0, middle, 2 * prints.length),
    folded(prints, middle, prints.length, 2 * prints.length + 1),
  ];
}

function folded(prints: Float64Array, from: number, end: number, seed: number): number {
  let key = seed;
  for (let at = from; at < end; at++) key = (Math.imul(key, 0x9e3779b1) + prints[at]!) | 0;
  return key;
}

function differsInOne(one: Float64Array, other: Float64Array): boolean {
  if (one.length !== other.length) return false;
  let different = 0;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at] && ++different > 1) return false;
  return true;
}
