import { cardIn } from './card.ts';

/** `config/log-masks.json`: what secrets look like. */
export interface Masks {
  /** In every text that `{{name}}` fits there is one of these. */
  readonly names?: readonly string[];
  /** What stands for `{{name}}` in a pattern. */
  readonly parts: Readonly<Record<string, string>>;
  /** One after the other; each sees what those before have left. */
  readonly rules: readonly MaskRule[];
}

export interface MaskRule {
  readonly name: string;
  /** A regular expression; its group `secret` is taken out, all else stays. Of bounded steps, in any case of letters. */
  readonly pattern: string;
  /** What stays, in words. */
  readonly stays: string;
  /** In every text that the pattern fits there is one of these, in lower case; without them those of `{{name}}`, if it has one. */
  readonly needs?: readonly string[];
  readonly matchCase?: boolean;
  /** One mask stands for all of the secret, white space in it too. */
  readonly whole?: boolean;
  /** Only what is such a thing at its beginning is a secret. */
  readonly check?: string;
}

/** No character of a pattern's word, and nothing that its end is stripped of: what it stands in has no place in a pattern. */
const mask = '***';
/**
 * What decides how a pattern is read: quotes, unless a backslash is before them, brackets and white space. They stay, so that what
 * is around a secret is read as before.
 */
const hidden = /(?:[^\s"'()[\]{}\\]|\\(?!["']))+/g;

/**
 * Takes secrets out of a text. The words of its pattern stay the same, unless the secret itself had some. The time is linear in the
 * text's length.
 * @throws SyntaxError for a pattern that is none
 */
export function masker({ names, parts, rules }: Masks): (text: string) => string {
  const maskers = rules.map((rule) => {
    const flags = rule.matchCase ? 'dg' : 'dgi';
    const needs = rule.needs ?? (rule.pattern.includes('{{name}}') ? names : undefined);
    return { rule, pattern: new RegExp(expanded(rule.pattern, parts), flags), needs };
  });
  return (text) => {
    const lower = text.toLowerCase();
    const has = (part: string): boolean => lower.includes(part);
    const hasName = names === undefined || names.some(has);
    return maskers.reduce((left, { rule, pattern, needs }) => {
      const mayFit = needs === names ? hasName : needs === undefined || needs.some(has);
      return mayFit ? applied(rule, pattern, left) : left;
    }, text);
  };
}

function applied(rule: MaskRule, pattern: RegExp, text: string): string {
  let out = '';
  let done = 0;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [start, matchEnd] = match.indices!.groups!['secret']!;
    const end = rule.check === 'card' ? start + cardIn(text.slice(start, matchEnd)) : matchEnd;
    if (end > start) {
      const secret = text.slice(start, end);
      out += text.slice(done, start) + (rule.whole ? mask : secret.replace(hidden, mask));
      done = end;
      pattern.lastIndex = end;
    } else {
      const next = text.slice(start, matchEnd).search(/[ -]/);
      pattern.lastIndex = next < 0 ? matchEnd : start + next + 1;
    }
  }
  return done === 0 ? text : out + text.slice(done);
}

function expanded(pattern: string, parts: Readonly<Record<string, string>>): string {
  return pattern.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new SyntaxError(`no part ${name} of a mask`);
    return part;
  });
}
