import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { nearestName, optionNamed, options } from './schema.ts';
import { quoted, type Setting, type Source } from './setting.ts';

/** A file with every option in it takes a few KiB; the parser's time grows faster than the number of keys. */
export const maxFileBytes = 64 * 1024;

/** Bytes of a file, cut after `maxBytes + 1`. Throws what node:fs throws. */
export type ReadFile = (path: string, maxBytes: number) => Uint8Array;

export const readFile: ReadFile = (path, maxBytes) => {
  // Opening a pipe would wait for its writer.
  if (!statSync(path).isFile()) throw new Error('is not a regular file');
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(fd, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
};

/** Reads a configuration file: one mapping from option names to values, in YAML or in JSON, which is YAML. */
export function loadFile(path: string, read: ReadFile = readFile): Source {
  const file = `file ${quoted(path)}`;
  let text: string;
  try {
    const bytes = read(path, maxFileBytes);
    if (bytes.length > maxFileBytes) return failed(`${file}: is larger than ${maxFileBytes / 1024} KiB`);
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return failed(
      `${file}: ${code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'is not UTF-8 text' : reasonOf(error)}`,
    );
  }
  if (text.trim() === '') return failed(`${file}: is empty; a file without options holds {}`);
  try {
    return parseFile(text, file);
  } catch (error) {
    return failed(`${file}: ${reasonOf(error)}`);
  }
}

/** `file` names it in messages. */
export function parseFile(text: string, file: string): Source {
  const lines = new LineCounter();
  // The failsafe schema leaves every scalar as it is written, so that `007` and `1e5` stay what the user typed.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings].slice(0, 10);
  const messages = problems.map(
    (problem) => `${file}, line ${lines.linePos(problem.pos[0]).line}: ${problem.message}`,
  );
  if (messages.length > 0) return { settings: [], messages };
  if (document.contents === null) return { settings: [], messages };
  if (!isMap(document.contents)) return failed(`${file}: is not a mapping from option names to values`);

  const settings: Setting[] = [];
  for (const pair of document.contents.items as Pair<Node, Node | null>[]) {
    const line = lines.linePos(pair.key.range?.[0] ?? 0).line;
    const read = readPair(pair, document, `${file}, line ${line}`);
    if (typeof read === 'string') messages.push(read);
    else settings.push(read);
  }
  return { settings, messages };
}

/** A setting, or what is wrong. */
function readPair(pair: Pair<Node, Node | null>, document: Document, place: string): Setting | string {
  const key = isScalar(pair.key) ? String(pair.key.value) : '';
  const option = optionNamed(key);
  if (option === undefined) {
    const nearest = nearestName(key);
    return `${place}: unknown key ${quoted(key)}: ${nearest ? `did you mean ${nearest}?` : '--help lists all options'}`;
  }
  const from = `${place}, key ${key}`;
  const { type, notInFile } = options[option];
  if (notInFile) return `${from}: cannot be set in a file`;
  const value: unknown = pair.value?.toJS(document) ?? '';
  if (typeof value === 'string') return { option, text: value, from };
  if (type.list && Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return { option, text: value.join('\n'), from };
  }
  return `${from}: ${Array.isArray(value) ? 'a list' : 'a mapping'} is not ${type.expected}`;
}

function failed(message: string): Source {
  return { settings: [], messages: [message] };
}

/** Node's messages repeat the path; the code and its text are enough. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, (stat|open) '.*'$/s, '') : String(error);
}
