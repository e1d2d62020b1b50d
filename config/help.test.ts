import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helpText } from './help.ts';
import { envsOf, options, optionNamed } from './schema.ts';

test('help shows every flag, variable and default on lines of at most 100 columns', () => {
  const text = helpText();
  const onOneLine = text.replace(/\s+/g, ' ');
  for (const [name, spec] of Object.entries(options)) {
    assert.ok(onOneLine.includes(`--${name}`), name);
    for (const env of envsOf(name, spec)) assert.match(onOneLine, new RegExp(`env [A-Z0-9_, ]*\\b${env}\\b`));
    if (spec.default !== '') assert.ok(onOneLine.includes(`default ${spec.default}`), name);
  }
  assert.deepEqual(
    text.split('\n').filter((line) => line.length > 100),
    [],
  );
});

test('no name and no variable belongs to two options, and every default is valid', () => {
  const envs = Object.entries(options).flatMap(([name, spec]) => envsOf(name, spec));
  assert.equal(new Set(envs).size, envs.length);
  for (const [name, spec] of Object.entries(options)) {
    spec.type.parse(spec.default);
    for (const known of [name, ...(spec.aliases ?? [])]) assert.equal(optionNamed(known), name);
  }
  const types = new Map(Object.values(options).map(({ type }) => [type.name, type]));
  for (const [name, { type }] of Object.entries(options)) assert.equal(types.get(type.name), type, name);
});
