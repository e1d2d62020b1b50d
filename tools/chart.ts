/** Writes what of the Helm chart follows from other files; with `--check` compares. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartCapabilities } from './chart/capabilities.ts';
import { chartReadme } from './chart/readme.ts';
import { valuesSchema } from './chart/schema.ts';
import { emit } from './generated.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const values = readFileSync(join(import.meta.dirname, '../helm/values.yaml'), 'utf8');

emit('helm/files/capabilities.json', json(chartCapabilities()));
emit('helm/values.schema.json', json(valuesSchema()));
emit('helm/README.md', await chartReadme(values));
