import { options } from '../../config/schema.ts';
import type { OptionSpec } from '../../config/table/option.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Options that values of their own stand for, those of no use in a file, and secrets. */
const elsewhere = new Set(['listen', 'cgroupfs-root', 'state-dir', 'ca-file']);

const number: Schema = { type: ['number', 'string'] };
/** Of config/values/duration.ts. */
const time = '^[+]?(([0-9]+[.]?[0-9]*|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+$';
const endpoint: Schema = { type: 'string', pattern: '^$|^[hH][tT][tT][pP][sS]?://' };
const byType: Readonly<Record<string, Schema>> = {
  flag: { enum: [true, false, 'true', 'false'] },
  count: { type: ['integer', 'string'], minimum: 0, pattern: '^[0-9]+$' },
  'positive count': { type: ['integer', 'string'], minimum: 1, maximum: 1_000_000, pattern: '^[0-9]+$' },
  rate: { ...number, minimum: 0 },
  sampling: number,
  // 0 needs no unit.
  duration: { anyOf: [{ enum: [0, '0', '+0', '-0'] }, { type: 'string', pattern: time }] },
  interval: { type: 'string', pattern: time },
  'share of a core': number,
  endpoint,
  'endpoint of logs': endpoint,
};

function schemaOf({ type }: OptionSpec): Schema {
  if (type.list) return { type: ['string', 'array'], items: { type: 'string' } };
  const [, words] = /^one of (.*)$/.exec(type.name) ?? [];
  if (words !== undefined) return { enum: words.split(', ') };
  return byType[type.name] ?? { type: 'string' };
}

/** Names of the options that `options` of the chart may have. */
export const chartOptions = Object.entries(options)
  .filter(([name, { notInFile, sensitive }]) => !notInFile && !sensitive && !elsewhere.has(name))
  .map(([name]) => name);

/** JSON schema of `options`: every option by its names, with the kind of value that it takes. */
export function optionsSchema(): Schema {
  const known = chartOptions.flatMap((option) => {
    const spec = options[option as keyof typeof options];
    return [option, ...(spec.aliases ?? [])].map((name) => [name, schemaOf(spec)]);
  });
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(known) as Schema };
}
