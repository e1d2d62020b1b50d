/** Writes what of the Helm chart follows from other files; with `--check` compares. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { chartCapabilities } from './chart/capabilities.ts';
import { chartReadme } from './chart/readme.ts';
import { valuesSchema } from './chart/schema.ts';
import { emit } from './generated.ts';

const json = (value: unknown): Promise<string> =>
  format(JSON.stringify(value, null, 2), { parser: 'json', printWidth: 110 });
const values = readFileSync(join(import.meta.dirname, '../helm/values.yaml'), 'utf8');

emit('helm/files/capabilities.json', await json(chartCapabilities()));
emit('helm/values.schema.json', await json(valuesSchema()));
emit('helm/README.md', await chartReadme(values));
