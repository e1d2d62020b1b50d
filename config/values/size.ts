import type { ValueType } from './value.ts';

const powers = ['', 'K', 'M', 'G', 'T', 'P'];

/** Bytes of `500MB`, `1.5GiB` or `4096`: units are powers of 1024 with or without the `i`. */
export const size: ValueType<number> = {
  name: 'size',
  placeholder: 'SIZE',
  expected: 'a size such as 500MB (powers of 1024)',
  parse: (text) => {
    const [, number, power] = /^(\d+(?:\.\d+)?) ?([KMGTP]?)i?B?$/i.exec(text) ?? [];
    const bytes = Math.floor(Number(number) * 1024 ** powers.indexOf((power ?? '').toUpperCase()));
    if (!Number.isSafeInteger(bytes)) throw new Error();
    return bytes;
  },
};
