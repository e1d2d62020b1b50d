import { format } from 'prettier';
import { isCollection, isMap, isScalar, parseDocument, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { chartCapabilities } from './capabilities.ts';

interface Row {
  /** `otlp.tls.secret`. */
  readonly key: string;
  /** As JSON. */
  readonly value: string;
  readonly meaning: string;
}

/** A row for each value, with the comment above it; comments of a group come before its rows. */
export function valueRows(yaml: string): Row[] {
  const rows: Row[] = [];
  const walk = (map: YAMLMap, above: string): void => {
    for (const { key, value } of map.items as Pair<Scalar<string>>[]) {
      const name = above + key.value;
      // The comment of the first key of a mapping is that of the mapping.
      const meaning = (key.commentBefore ?? (key === map.items[0]?.key ? (map.commentBefore ?? '') : ''))
        .split('\n')
        .map((line) => line.trim())
        .join(' ');
      const isGroup = isMap(value) && value.items.length > 0;
      if (!isGroup || meaning !== '') rows.push({ key: name, value: isGroup ? '' : jsonOf(value), meaning });
      if (isGroup) walk(value, `${name}.`);
    }
  };
  const { contents } = parseDocument(yaml);
  if (!isMap(contents)) throw new Error('helm/values.yaml is no mapping');
  walk(contents, '');
  return rows;
}

function jsonOf(value: unknown): string {
  return JSON.stringify(isCollection(value) || isScalar(value) ? value.toJSON() : value);
}

/** helm/README.md, of the comments in values.yaml. */
export function chartReadme(yaml: string): Promise<string> {
  const rows = valueRows(yaml).map(({ key, value, meaning }) =>
    `| \`${key}\` | ${value && `\`${value}\``} | ${meaning} |`.replaceAll('*', '\\*'),
  );
  const capabilities = chartCapabilities().capabilities.map((name) => `\`${name}\``);
  const text = `<!-- Generated from values.yaml and config/capabilities.json by npm run generate: do not edit. -->

# The Helm chart

    helm install otel-node-agent ./helm --namespace monitoring --create-namespace \\
      --set image.repository=<your registry>/otel-node-agent \\
      --set otlp.endpoint=http://otel-collector.monitoring:4317

The notes that this prints tell how to see the first number. \`helm test otel-node-agent\` reads the page of a node. Without Helm:
\`kubectl apply -f\` one of [manifests](manifests), which are this chart with its default values, in the reduced mode, and privileged;
set the image first.

## What it may do

The agent is not privileged. It has these capabilities and no others: ${capabilities.join(', ')}, and \`NET_BIND_SERVICE\` for a
port below 1024. [docs/features.md](../docs/features.md) says what each is for. It sees the processes of the node (\`hostPID\`), its root is
read-only, and it has no token of the cluster. Where a namespace enforces a pod security standard that has to be \`privileged\`.

- \`capabilities.sysAdmin=false\` is the reduced mode: namespaces are not entered. With \`hostNetwork=true\` and a free \`port\`, such as 10300, the node itself is whole, and
  what goes is of containers with a network of their own. The notes list it.
- \`privileged=true\` gives it everything.

Values for particular clusters are in [ci](ci): OpenShift, Talos, Bottlerocket, k3s and others.

## Values

A key that is unknown, or a value of the wrong kind, is refused with a message that names it.

| value | default | meaning |
|---|---|---|
${rows.join('\n')}
`;
  return format(text, { parser: 'markdown', printWidth: 110, singleQuote: true });
}
