import { attributesOf, type Attribute } from './attributes.ts';
import { maskedJson, maskedObject } from './json-mask.ts';
import { exactly, parsedObject, type JsonObject } from './json-object.ts';
import { dateOf, timeMsOf } from './json-time.ts';
import type { Level } from './level.ts';
import { trimmed } from './space.ts';
import { parentOf, spanIdOf, traceIdOf } from './trace-ids.ts';

/** What a message says that is one JSON object; what it does not say is left out. */
export interface JsonMessage {
  readonly level?: Level;
  /** Trimmed, not empty. */
  readonly message?: string;
  /** All that has no meaning of its own; made when it is first asked for. */
  readonly attributes: readonly Attribute[];
  /** The same without secrets. */
  maskedAttributes(mask: (text: string) => string): readonly Attribute[];
  /** 32 hexadecimal digits, in lower case. */
  readonly traceId?: string;
  /** 16 hexadecimal digits, in lower case. */
  readonly spanId?: string;
  readonly timeMs?: number;
}

/** Names in any case, in the order in which they are believed. */
const names = {
  message: ['msg', 'message', '@m', '@mt', 'body', 'log'],
  level: ['level', 'severity', 'loglevel', 'log.level', 'lvl', '@l', 'severity_text', 'levelname'],
  time: ['time', 'timestamp', 'ts', '@t', '@timestamp', 'datetime', 'asctime'],
  date: ['t'],
  traceId: ['trace_id', 'traceid', 'trace.id', 'trace-id', 'oteltraceid', 'logging.googleapis.com/trace'],
  spanId: ['span_id', 'spanid', 'span.id', 'span-id', 'otelspanid', 'logging.googleapis.com/spanid'],
  parent: ['traceparent'],
} as const;
type Meaning = keyof typeof names;
const meanings = new Map(
  (Object.keys(names) as Meaning[]).flatMap((meaning) =>
    names[meaning].map((name, rank) => [name as string, { meaning, rank }] as const),
  ),
);
const longestName = Math.max(...[...meanings.keys()].map(({ length }) => length));
/** What the agent says itself of a message. */
const ownNames = ['pattern.hash'];
/** Objects whose fields are looked at too: `{"log":{"level":...}}` is `log.level`. */
const nests: ReadonlySet<string> = new Set(['log', 'trace', 'span']);

const words = {
  debug: 'trace trc debug dbg verbose',
  info: 'info inf information informational notice',
  warning: 'warn wrn warning',
  error: 'error err',
  critical: 'fatal ftl critical crit panic dpanic alert emerg emergency',
} as const;
const levelsByWord: ReadonlyMap<string, Level> = new Map(
  (Object.keys(words) as (keyof typeof words)[]).flatMap((level) =>
    words[level].split(' ').map((word) => [word, level] as const),
  ),
);
const levelsByTens: Readonly<Record<number, Level>> = {
  1: 'debug',
  2: 'debug',
  3: 'info',
  4: 'warning',
  5: 'error',
  6: 'critical',
  7: 'critical',
  8: 'critical',
  9: 'critical',
};

/** A field that may have a meaning. */
interface Field {
  readonly meaning: Meaning;
  readonly rank: number;
  /** Its name, behind those of the objects around it and dots. */
  readonly path: string;
  readonly value: unknown;
}

/** Reads a message that is exactly one JSON object (RFC 8259), undefined for any other. Of equal names the last one counts. */
export function jsonMessage(text: string): JsonMessage | undefined {
  const object = parsedObject(text);
  return object && new Read(text, object);
}

class Read implements JsonMessage {
  declare level?: Level;
  declare message?: string;
  declare traceId?: string;
  declare spanId?: string;
  declare timeMs?: number;
  readonly #text: string;
  readonly #object: JsonObject;
  readonly #taken: string[] = [];
  #attributes: readonly Attribute[] | undefined;

  constructor(text: string, object: JsonObject) {
    this.#text = text;
    this.#object = object;
    const fields = fieldsOf(object);
    const level = this.#first(fields, 'level', levelOf);
    const message = this.#first(fields, 'message', messageOf);
    const timeMs = this.#first(fields, 'time', timeMsOf) ?? this.#first(fields, 'date', dateOf);
    const parent = this.#first(fields, 'parent', parentOf);
    const traceId = this.#first(fields, 'traceId', traceIdOf) ?? parent?.traceId;
    const spanId = this.#first(fields, 'spanId', spanIdOf) ?? parent?.spanId;
    if (level !== undefined) this.level = level;
    if (message !== undefined) this.message = message;
    if (traceId !== undefined) this.traceId = traceId;
    if (spanId !== undefined) this.spanId = spanId;
    if (timeMs !== undefined) this.timeMs = timeMs;
    for (const { meaning, path } of fields) if (meaning === 'time') this.#taken.push(path);
  }

  get attributes(): readonly Attribute[] {
    return (this.#attributes ??= this.#attributesOf(this.#exact()));
  }

  maskedAttributes(mask: (text: string) => string): readonly Attribute[] {
    const masked = maskedObject(this.#text, mask) ?? mask(this.#text);
    if (masked === this.#text) return this.attributes;
    const found = this.#attributesIn(masked);
    if (found !== undefined) return found;
    // A mask in place of a number or of null is no JSON.
    const other = maskedJson(this.#exact(), mask);
    if (other === undefined) return this.attributes;
    return this.#attributesIn(other) ?? this.attributes.map(([name]) => [mask(name), '***'] as const);
  }

  #exact(): JsonObject {
    return exactly(this.#text, this.#object);
  }

  #attributesIn(text: string): readonly Attribute[] | undefined {
    const object = parsedObject(text);
    return object && this.#attributesOf(exactly(text, object));
  }

  #attributesOf(object: JsonObject): readonly Attribute[] {
    return attributesOf(object, new Set([...this.#taken, ...ownNames]));
  }

  /** What the best of the fields that can be read says. */
  #first<Value>(
    fields: readonly Field[],
    meaning: Meaning,
    read: (value: unknown) => Value | undefined,
  ): Value | undefined {
    let best: Field | undefined;
    let found: Value | undefined;
    for (const field of fields) {
      if (field.meaning !== meaning || (best !== undefined && best.rank <= field.rank)) continue;
      const value = read(field.value);
      if (value === undefined) continue;
      best = field;
      found = value;
    }
    if (best !== undefined) this.#taken.push(best.path);
    return found;
  }
}

function fieldsOf(object: JsonObject, before = '', fields: Field[] = []): Field[] {
  for (const key in object) {
    if (before.length + key.length > longestName) continue;
    const path = before + key;
    const known = meanings.get(path) ?? meanings.get(path.toLowerCase());
    if (known !== undefined)
      fields.push({ meaning: known.meaning, rank: known.rank, path, value: object[key] });
    if (before === '' && nests.has(key.toLowerCase())) {
      const value = object[key];
      if (typeof value === 'object' && value !== null) fieldsOf(value as JsonObject, `${key}.`, fields);
    }
  }
  return fields;
}

function messageOf(value: unknown): string | undefined {
  return typeof value === 'string' ? trimmed(value) || undefined : undefined;
}

function levelOf(value: unknown): Level | undefined {
  if (typeof value === 'number') return levelsByTens[Math.floor(value / 10)];
  return typeof value === 'string' && value.length <= 32
    ? levelsByWord.get(trimmed(value).toLowerCase())
    : undefined;
}
