/** The agent and a real Prometheus: its linter, its scraper, its query language. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, freePort, page, peer, start, startAgent, until, without } from './peer.ts';

const binaries = peer('prometheus');
const skip = without(binaries, 'prometheus');
const pushNothing = { OTEL_METRICS_EXPORTER: 'prometheus' };

test('promtool has nothing to say about the page', { skip }, async (t) => {
  const port = await freePort();
  startAgent(t, ['--listen', `127.0.0.1:${port}`, '--min-container-age', '0s'], pushNothing);
  const text = await until('the page', () => page(`http://127.0.0.1:${port}/metrics`));
  const { status, stdout, stderr } = spawnSync(join(binaries!, 'promtool'), ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  assert.equal(`${stdout}${stderr}`, '');
  assert.equal(status, 0);
});

test('Prometheus scrapes the agent and answers queries', { skip }, async (t) => {
  const [port, web, directory] = [await freePort(), await freePort(), await folder(t)];
  startAgent(t, ['--listen', `127.0.0.1:${port}`], pushNothing);
  const config = {
    scrape_configs: [
      { job_name: 'nodes', scrape_interval: '1s', static_configs: [{ targets: [`127.0.0.1:${port}`] }] },
    ],
  };
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config));
  start(t, join(binaries!, 'prometheus'), [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${web}`,
  ]);
  const query = async (
    expression: string,
  ): Promise<{ metric: Record<string, string>; value: [number, string] }[] | undefined> => {
    const text = await page(`http://127.0.0.1:${web}/api/v1/query?query=${encodeURIComponent(expression)}`);
    if (text === undefined) return undefined;
    const { data } = JSON.parse(text) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return data.result.length > 0 ? data.result : undefined;
  };
  const [cores] = await until('a scrape', () => query('node_resources_cpu_logical_cores'));
  const online = await until('the page', () => page(`http://127.0.0.1:${port}/metrics`));
  assert.equal(cores?.value[1], /^node_resources_cpu_logical_cores\{.*\} (\d+)$/m.exec(online)?.[1]);
  const [up] = await until('up', () => query('up{job="nodes"}'));
  assert.equal(up?.value[1], '1');
  const [modes] = await until('modes', () => query('count(node_resources_cpu_usage_seconds_total)'));
  assert.equal(modes?.value[1], '8');
});
