import { listOf, type ValueType } from './value.ts';

export const text: ValueType<string> = {
  name: 'text',
  placeholder: 'TEXT',
  expected: 'a text',
  parse: (value) => value,
};

export const texts = listOf(text);

export const path: ValueType<string> = {
  name: 'path',
  placeholder: 'PATH',
  expected: 'a path',
  parse: (value) => {
    if (value.includes('\0')) throw new Error();
    return value;
  },
};

/** Absolute, handed on without slashes at its end. */
export const directory: ValueType<string> = {
  name: 'directory',
  placeholder: 'PATH',
  expected: 'an absolute path',
  parse: (value) => {
    if (!value.startsWith('/') || value.includes('\0')) throw new Error();
    return value.replace(/(?<=.)\/+$/, '');
  },
};

/**
 * Travels as a gRPC header, which carries printable ASCII only. Space around it is dropped: secrets that are
 * mounted or passed as variables often end with a newline.
 */
export const secret: ValueType<string> = {
  name: 'secret',
  placeholder: 'TEXT',
  expected: 'printable ASCII on one line',
  parse: (value) => {
    const trimmed = value.trim();
    if (!/^[\x20-\x7e]*$/.test(trimmed)) throw new Error();
    return trimmed;
  },
};

/** The words of Go's strconv.ParseBool. */
export const flag: ValueType<boolean> = {
  name: 'flag',
  placeholder: '',
  expected: 'true or false',
  parse: (value) => {
    if (['true', 'TRUE', 'True', 't', 'T', '1'].includes(value)) return true;
    if (['false', 'FALSE', 'False', 'f', 'F', '0'].includes(value)) return false;
    throw new Error();
  },
};

function decimal(value: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : NaN;
  if (!Number.isFinite(number)) throw new Error();
  return number;
}

export const rate: ValueType<number> = {
  name: 'rate',
  placeholder: 'NUMBER',
  expected: 'a number of at least 0',
  parse: (value) => {
    const number = decimal(value);
    if (number < 0) throw new Error();
    return number;
  },
};

/** The reference samples everything when the number makes no sense; so does this. */
export const sampling: ValueType<number> = {
  name: 'sampling',
  placeholder: 'FRACTION',
  expected: 'a number',
  parse: (value) => {
    const number = decimal(value);
    return number < 0 || number > 1 ? 1 : number;
  },
};

/** Of one core: `0.05` and `5%` are the same. */
export const coreShare: ValueType<number> = {
  name: 'share of a core',
  placeholder: 'SHARE',
  expected: 'a share of one core between 0 and 1, such as 0.05 or 5%',
  parse: (value) => {
    const number = value.endsWith('%') ? decimal(value.slice(0, -1)) / 100 : decimal(value);
    if (number < 0 || number > 1) throw new Error();
    return number;
  },
};

export const count: ValueType<number> = {
  name: 'count',
  placeholder: 'COUNT',
  expected: 'a whole number of at least 0',
  parse: (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (!Number.isSafeInteger(number)) throw new Error();
    return number;
  },
};

export const positive: ValueType<number> = {
  name: 'positive count',
  placeholder: 'COUNT',
  expected: 'a whole number between 1 and 1000000',
  parse: (value) => {
    const number = count.parse(value);
    if (number < 1 || number > 1_000_000) throw new Error();
    return number;
  },
};

/** One of a few words, in any letter case. */
export function oneOf<const T extends string>(words: readonly T[]): ValueType<T> {
  return {
    name: `one of ${words.join(', ')}`,
    placeholder: 'WORD',
    expected: `one of ${words.join(', ')}`,
    parse: (value) => {
      const word = words.find((known) => known === value.toLowerCase());
      if (word === undefined) throw new Error();
      return word;
    },
  };
}
