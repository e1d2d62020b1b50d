import { sdkVariables } from './environment.ts';
import { envsOf, groups } from './schema.ts';
import type { OptionSpec } from './table/option.ts';

const widthColumns = 100;

/** Text of `--help`: every option with its variables, its default and what it does. */
export function helpText(): string {
  const lines = [
    'otel-node-agent: what runs on this node, who talks to whom, what fails and what waits.',
    '',
    'Usage: otel-node-agent [--name value | --name=value ...]',
    '',
    ...wrap(
      'An option may come from a flag, from an environment variable or from the file of --config, in this order.',
    ),
  ];
  for (const [group, table] of Object.entries(groups)) {
    lines.push('', `${group}:`);
    for (const [name, spec] of Object.entries(table)) lines.push(...optionHelp(name, spec));
  }
  lines.push(
    '',
    'OpenTelemetry SDK:',
    ...wrap(
      'The variables of resource, OTLP exporter (grpc, cumulative) and metric reader have their effect. In particular:',
    ),
  );
  for (const [name, help] of Object.entries(sdkVariables)) lines.push(`  ${name}`, ...wrap(help, 6));
  return `${lines.join('\n')}\n`;
}

function optionHelp(name: string, spec: OptionSpec): string[] {
  const flags = [name, ...(spec.aliases ?? [])].map((known) => `--${known}`).join(', ');
  return [`  ${flags} ${spec.type.placeholder}`.trimEnd(), ...wrap(`${spec.help}${remarks(name, spec)}`, 6)];
}

function remarks(name: string, spec: OptionSpec): string {
  const parts = [];
  const envs = envsOf(name, spec);
  if (envs.length > 0) parts.push(`env ${envs.join(', ')}`);
  if (spec.default !== '') parts.push(`default ${spec.default}`);
  if (spec.type.list) parts.push('may be repeated, in the variable one a line');
  if (spec.waitsFor !== undefined) parts.push(`no effect yet, belongs to: ${spec.waitsFor}`);
  return parts.length === 0 ? '' : ` [${parts.join('; ')}]`;
}

function wrap(text: string, indent = 0): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > widthColumns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => ' '.repeat(indent) + each);
}
