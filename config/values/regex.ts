import type { ValueType } from './value.ts';

/** What Go's RE2 understands and JavaScript silently reads as something else. */
const differentInGo = /\\[AzQEpPa]|\[\[:|\(\?P<|\\x\{/;

/**
 * An unanchored pattern; an empty text is none. Go's leading flags, as in `(?i)`, are understood; other
 * constructs that JavaScript would match differently are refused rather than matched wrongly.
 */
export const regex: ValueType<RegExp | undefined> = {
  name: 'regex',
  placeholder: 'REGEX',
  expected: 'a regular expression',
  parse: (text) => {
    if (text === '') return undefined;
    const [, flags = '', pattern = ''] = /^(?:\(\?([ims]+)\))?([\s\S]*)$/.exec(text) ?? [];
    const [different] = differentInGo.exec(pattern) ?? [];
    if (different !== undefined) throw new Error(`${different} is not understood`);
    return new RegExp(pattern, [...new Set(flags)].join(''));
  },
};
