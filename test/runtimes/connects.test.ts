/** On every runtime: a container's connections are counted exactly, and under a name of that container. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runtimes, skip, startRuntime, until } from '../nodes/runtimes/runtime.ts';
import { proves } from '../proof.ts';

const connects = 200;
const refused = 20;

/** Of the node itself (base/mounts.sh): containers with a network of their own reach it as a machine outside. */
const server = '10.99.0.1:8080';
const nobody = '10.99.0.1:8081';

/** Says how many of its attempts worked, and stays, so that it can be seen. */
const script = (attempts: readonly [destination: string, count: number][]): string =>
  [
    ...attempts.map(
      ([destination, count]) =>
        `i=0; n=0; while [ $i -lt ${count} ]; do busybox nc ${destination.replace(':', ' ')} </dev/null && n=$((n+1)); i=$((i+1)); done; echo made $n`,
    ),
    'exec sleep 1000',
  ].join('\n');

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Series of a family, from the text format. */
function seriesOf(page: string, family: string): readonly Series[] {
  return page.split('\n').flatMap((line) => {
    const [, labels = '', value = ''] = new RegExp(`^${family}\\{(.*)\\} (\\S+)`).exec(line) ?? [];
    if (value === '') return [];
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', text = '']) => [name, text]);
    return [{ labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }];
  });
}

for (const name of runtimes) {
  test(`${name}: ${connects} connects and ${refused} refused ones of a container`, { skip }, async (t) => {
    proves(t, 'container_net_tcp_successful_connects_total', 'container_net_tcp_failed_connects_total');
    const node = await startRuntime(t, name);
    const agent = await node.startAgent('--min-container-age', '0s');
    const [address = '', port = ''] = server.split(':');
    node.daemon('busybox', 'nc', '-ll', '-p', port, '-e', '/bin/true');
    await until('the server', () => node.exec('busybox', 'nc', address, port));

    const container = await node.run({
      name: 'web',
      command: [
        '/bin/sh',
        '-c',
        script([
          [server, connects],
          [nobody, refused],
        ]),
      ],
    });
    const output = await until('the container is done', async () => {
      const text = await container.output();
      return text.match(/made/g)?.length === 2 ? text : undefined;
    });
    assert.deepEqual(output.match(/made \d+/g), [`made ${connects}`, 'made 0'], output);

    const page = await until('the container on the page', async () => {
      const text = await agent.page();
      return seriesOf(text, 'container_net_tcp_failed_connects_total').length > 0 ? text : undefined;
    });
    const of = (family: string, destination: string): readonly Series[] =>
      seriesOf(page, family).filter(({ labels }) => labels['destination'] === destination);
    for (const [series, count] of [
      [of('container_net_tcp_successful_connects_total', server), connects],
      [of('container_net_tcp_failed_connects_total', nobody), refused],
    ] as const) {
      assert.deepEqual(
        series.map(({ value }) => value),
        [count],
      );
      assert.equal(series[0]?.labels['container_id'], container.knownAs);
    }
  });
}
