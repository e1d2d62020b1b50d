import { format } from 'prettier';
import { catalogue } from '../src/catalogue/index.ts';
import type { MetricSpec, Scope } from '../src/catalogue/metric.ts';
import { emit } from './generated.ts';

const scopeText: Record<Scope, string> = {
  bare: 'no constant labels',
  node: '`machine_id`, `system_uuid`',
  agent: '`machine_id`, `system_uuid`, and `az`, `region` when both are known',
  container: '`machine_id`, `system_uuid`, `container_id`, `app_id`, and `az`, `region` when both are known',
};

function row({ name, type, unit, labels, help }: MetricSpec): string {
  const shown = labels.map((label) => `\`${label}\``).join(', ');
  return `| \`${name}\` | ${type} | ${unit === '' ? '' : `\`${unit}\``} | ${shown} | ${help} |`;
}

function section(title: string, specs: readonly MetricSpec[]): string[] {
  if (specs.length === 0) return [];
  return [
    `## ${title}`,
    '',
    '| name | type | unit | labels | meaning |',
    '|---|---|---|---|---|',
    ...specs.map(row),
    '',
  ];
}

/** docs/metrics.md, written from the catalogue. */
export function metricsPage(): Promise<string> {
  const specs = [...catalogue.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = [
    '# Metrics',
    '',
    'Generated from `src/catalogue` by `npm run generate`; do not edit.',
    '',
    'The same series leave by OTLP and on the Prometheus page; `up` leaves by OTLP only. Units are UCUM, as OpenTelemetry carries them.',
    '',
    '## Constant labels',
    '',
    ...Object.entries(scopeText).map(([scope, text]) => `- ${scope}: ${text}`),
    '',
  ];
  for (const scope of ['node', 'container', 'agent', 'bare'] as const) {
    lines.push(
      ...section(
        `Scope: ${scope}`,
        specs.filter((spec) => spec.scope === scope && spec.own !== true),
      ),
    );
  }
  lines.push(
    ...section(
      'The agent about itself (scope: node)',
      specs.filter((spec) => spec.own === true),
    ),
  );
  return format(lines.join('\n'), { parser: 'markdown', printWidth: 110 });
}

if (import.meta.main) emit('docs/metrics.md', await metricsPage());
