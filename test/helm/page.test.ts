/** What `helm test` runs: it reads the page of an agent, and fails where there is none. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { freePort, startAgent } from '../peers/peer.ts';
import { objects, skip, template, type PodSpec } from './chart.ts';

/** Runs the program of the pod's container on another page; it asks once a second. */
function runOn(url: string, t: TestContext, tries = 30): Promise<{ code: number; text: string }> {
  const pod = objects(template()).find(({ kind }) => kind === 'Pod');
  const [container] = (pod!.spec as PodSpec).containers;
  assert.equal(container!.args.at(-1), 'http://agent-otel-node-agent.monitoring:80/metrics');
  const [program, ...options] = container!.command!;
  assert.equal(program, '/opt/otel-node-agent/node', 'where the Dockerfile puts it');
  const args = [...options, container!.args[0]!.replace('left = 30', `left = ${tries}`), url];
  return new Promise((done) => {
    const child = execFile(process.execPath, args, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
    );
    t.after(() => child.kill());
  });
}

test('helm test reads the page of an agent', { skip }, async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  startAgent(t, ['--listen', address], { OTEL_METRICS_EXPORTER: 'prometheus' });
  const { code, text } = await runOn(`http://${address}/metrics`, t);
  assert.equal(code, 0, text);
  assert.match(text, /^node_uptime_seconds\S* [\d.e+]+$/m);
  assert.match(text, /^node_agent_feature_enabled\{.*feature="addon".*\} [01]$/m);
});

test('helm test fails where there is no page, or another', { skip }, async (t) => {
  const nowhere = await runOn(`http://127.0.0.1:${await freePort()}/metrics`, t, 2);
  assert.deepEqual([nowhere.code, /ECONNREFUSED/.test(nowhere.text)], [1, true], nowhere.text);
  const server = createServer((_, answer) => answer.end('# nothing\n')).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  const other = await runOn(`http://127.0.0.1:${port}/metrics`, t, 2);
  assert.deepEqual([other.code, /no node_uptime_seconds/.test(other.text)], [1, true], other.text);
});
