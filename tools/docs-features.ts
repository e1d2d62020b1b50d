import { format } from 'prettier';
import {
  features,
  general,
  reasons,
  type FeatureSpec,
  type Need,
  type Thing,
} from '../config/capabilities.ts';
import { emit } from './generated.ts';

function thing({ kind, name }: Thing): string {
  switch (kind) {
    case 'capability':
    case 'config':
      return `\`${name}\``;
    case 'kernel':
      return `Linux ${name}`;
    case 'mount':
      return `the root of a \`${name}\` mount`;
    case 'namespace':
      return `the host's ${name} namespace`;
    case 'sysctl':
      return `\`${name}\` other than 0`;
    case 'lockdown':
      return `kernel lockdown at most \`${name}\``;
    case 'feature':
      return `the feature \`${name}\``;
  }
}

function need({ for: purpose, or = [], below, lessens, ...first }: Need): string {
  const choice = [first, ...or].map(thing).join(' or ');
  const limits = [below && `below Linux ${below}`, lessens && 'without it the feature works in a lesser way'];
  return `- ${[`${choice}: ${purpose}`, ...limits.filter(Boolean)].join('; ')}`;
}

function section(name: string, { description, without, needs }: FeatureSpec): string[] {
  const needed = needs.length === 0 ? [] : ['It needs', '', ...needs.map(need), ''];
  return [`## ${name}`, '', description, '', ...needed, `Without it: ${without}`, ''];
}

/** docs/features.md, written from config/capabilities.json. */
export function featuresPage(): Promise<string> {
  const lines = [
    '# Features',
    '',
    'Generated from `config/capabilities.json` by `npm run generate`; do not edit.',
    '',
    'What the agent needs, feature by feature. What is missing switches its feature off, with one log line; everything else goes on.',
    '`node_agent_feature_enabled{feature, reason}` shows it.',
    '',
    'All of them together need',
    '',
    ...general.map(need),
    '',
    ...Object.entries(features).flatMap(([name, spec]) => section(name, spec)),
    '## Reasons',
    '',
    '| reason | meaning |',
    '|---|---|',
    ...Object.entries(reasons).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`),
    '',
  ];
  return format(lines.join('\n'), { parser: 'markdown', printWidth: 110 });
}

if (import.meta.main) emit('docs/features.md', await featuresPage());
