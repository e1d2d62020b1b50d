import convict from 'convict';
import { readEnvironment, readSdkEnvironment, type Environment } from './environment.ts';
import { loadFile, type ReadFile } from './file.ts';
import { readFlags } from './flags.ts';
import { helpText } from './help.ts';
import { toOptions, type Options } from './options.ts';
import { options, type OptionName, type Values } from './schema.ts';
import { quoted, type Setting } from './setting.ts';

export type Loaded =
  | {
      readonly kind: 'run';
      readonly options: Options;
      /** Names of options that are set although their feature does not exist yet. */
      readonly notYetEffective: readonly string[];
    }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'error'; readonly messages: readonly string[]; readonly exitCode: 2 };

/** What a person reads at once. */
const maxMessages = 50;

/**
 * Defaults < file < environment < flags. `argv` is without interpreter and script. Every source is read to its
 * end, so that one start shows all mistakes.
 */
export function loadOptions(argv: readonly string[], env: Environment, readFile?: ReadFile): Loaded {
  const flags = readFlags(argv);
  const asked = (option: OptionName): boolean =>
    flags.settings.some((setting) => setting.option === option && setting.text !== 'false');
  if (asked('help')) return { kind: 'help', text: helpText() };
  if (asked('version')) return { kind: 'version' };

  const environment = readEnvironment(env);
  const sdk = readSdkEnvironment(env);
  const configPath = [...environment, ...flags.settings].findLast(({ option }) => option === 'config')?.text;
  const file = configPath ? loadFile(configPath, readFile) : { settings: [], messages: [] };

  const settings = [...file.settings, ...environment, ...flags.settings];
  const { values, messages } = resolve(settings);
  const allMessages = [...file.messages, ...sdk.messages, ...flags.messages, ...messages];
  if (allMessages.length > 0) return { kind: 'error', messages: shortened(allMessages), exitCode: 2 };

  const set = new Set<OptionName>(settings.map(({ option }) => option));
  return {
    kind: 'run',
    options: toOptions(values, (option) => set.has(option), sdk),
    notYetEffective: [...set].filter((option) => options[option].waitsFor !== undefined),
  };
}

/**
 * Applies settings in order; convict turns text into values by the formats below. Only the last word on an
 * option is judged, as a variable that a flag overrides may be meant for another program.
 */
function resolve(settings: readonly Setting[]): { values: Values; messages: string[] } {
  const config = convict<Values>(convictSchema(), { env: {}, args: [] });
  const mistakes = new Map<OptionName, string>();
  for (const { option, text, from } of settings) {
    mistakes.delete(option);
    try {
      config.set(option, text);
    } catch (error) {
      const { type, sensitive } = options[option];
      const detail = error instanceof Error && error.message !== '' ? ` (${error.message})` : '';
      mistakes.set(
        option,
        `${from}: ${sensitive ? 'the value' : quoted(text)} is not ${type.expected}${detail}`,
      );
    }
  }
  return { values: config.getProperties(), messages: [...mistakes.values()] };
}

function shortened(messages: readonly string[]): readonly string[] {
  const more = messages.length - maxMessages;
  return more > 0 ? [...messages.slice(0, maxMessages), `and ${more} more mistakes`] : messages;
}

function convictSchema(): convict.Schema<Values> {
  const schema = Object.entries(options).map(([name, { type, default: text, help, sensitive }]) => {
    const coerce = (value: string): unknown => type.parse(value);
    // Only parsed values get in, so there is nothing left to validate.
    convict.addFormat({ name: type.name, coerce, validate: () => {} });
    return [name, { format: type.name, default: text, doc: help, sensitive: sensitive === true }] as const;
  });
  return Object.fromEntries(schema) as unknown as convict.Schema<Values>;
}
