import { nearestName, optionNamed, options, type OptionName } from './schema.ts';
import { quoted, type Setting, type Source } from './setting.ts';
import { flag } from './values/scalar.ts';

/**
 * Reads `--name value`, `--name=value`, the same with one dash, and for true-or-false options `--name` and
 * `--no-name`. Of a flag that is repeated the last counts, except where the option is a list.
 */
export function readFlags(argv: readonly string[]): Source {
  const rest = [...argv];
  const settings = new Map<OptionName, Setting>();
  const messages: string[] = [];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const read = readFlag(argument, rest);
    if (typeof read === 'string') messages.push(read);
    else settings.set(read.option, joined(settings.get(read.option), read));
  }
  return { settings: [...settings.values()], messages };
}

/** One flag, or what is wrong with it; takes its value from `rest` when it is a word of its own. */
function readFlag(argument: string, rest: string[]): Setting | string {
  const [, name, inline] = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
  if (name === undefined) {
    return `unexpected argument ${quoted(argument)}: options are written --name value or --name=value`;
  }
  const from = `flag --${name}`;
  const option = optionNamed(name === 'h' ? 'help' : name);
  const negated = option === undefined && inline === undefined ? negatedBy(name) : undefined;
  if (negated !== undefined) return { option: negated, text: 'false', from };
  if (option === undefined) {
    if (inline === undefined) takeValue(rest);
    return unknownFlag(name);
  }
  const { type } = options[option];
  const text = inline ?? (type === flag ? 'true' : takeValue(rest));
  return text === undefined
    ? `${from}: a value is missing, expected ${type.expected}`
    : { option, text, from };
}

function takeValue(rest: string[]): string | undefined {
  return rest[0]?.startsWith('-') ? undefined : rest.shift();
}

function negatedBy(name: string): OptionName | undefined {
  const option = name.startsWith('no-') ? optionNamed(name.slice('no-'.length)) : undefined;
  return option !== undefined && options[option].type === flag ? option : undefined;
}

function joined(before: Setting | undefined, setting: Setting): Setting {
  if (before === undefined || !options[setting.option].type.list) return setting;
  return { ...setting, text: `${before.text}\n${setting.text}` };
}

function unknownFlag(name: string): string {
  const nearest = nearestName(name);
  return `unknown option ${quoted(`--${name}`)}: ${nearest ? `did you mean --${nearest}?` : '--help lists all'}`;
}
