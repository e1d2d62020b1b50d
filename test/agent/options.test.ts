/** Options that need no kernel, each said as a flag and as a variable: what they change in what the agent does. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ServerCredentials } from '@grpc/grpc-js';
import { receiveOtlp } from '../../src/telemetry/otlp.fixture.ts';
import { capturedHost } from '../hosts/host.ts';
import { folder, freePort, page as pageOf, startAgent, until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { captured, page, run, type RunningAgent } from './rig.ts';
import { say, ways, type Said } from './say.ts';

const pullOnly = { OTEL_METRICS_EXPORTER: 'prometheus' };
const pushOnly = { OTEL_METRICS_EXPORTER: 'otlp' };

/** The agent on a captured machine, in this process. */
async function agentOf(t: TestContext, said: Said, exporter: Record<string, string>): Promise<RunningAgent> {
  const host = await capturedHost(t, 'systemd-v2');
  return run(t, captured(host), said.argv, { ...said.env, ...exporter });
}

/** Value of the only series whose line begins so. */
function valueOf(lines: readonly string[], begin: string): number {
  const found = lines.filter((line) => line.startsWith(begin));
  assert.equal(found.length, 1, begin);
  return Number(found[0]!.split(' ').at(-1));
}

for (const way of ways) {
  test(`${way}: listen`, async (t) => {
    const address = `127.0.0.1:${await freePort()}`;
    const { argv, env, names } = say(way, { listen: address });
    startAgent(t, argv, { ...env, ...pullOnly });
    await until('the page', () => pageOf(`http://${address}/metrics`));
    proves(t, ...names);
  });

  test(`${way}: cgroupfs-root`, async (t) => {
    const host = await capturedHost(t, 'systemd-v2');
    const containersBelow = async (
      root: string,
    ): Promise<{ containers: number; names: readonly string[] }> => {
      const { argv, env, names } = say(way, { 'cgroupfs-root': root });
      const agent = await run(t, captured(host), argv, { ...env, ...pullOnly });
      return { containers: valueOf((await page(agent.url)).self, 'node_agent_containers{'), names };
    };
    const { containers, names } = await containersBelow(host.cgroup);
    assert.equal(containers, 1, 'nginx.service; the rest of the system and sessions are left out');
    assert.equal((await containersBelow(join(host.folder, 'nowhere'))).containers, 0);
    proves(t, ...names);
  });

  test(`${way}: what the operator says of the cloud instance`, async (t) => {
    const said = say(way, {
      provider: 'aws',
      region: 'eu-west-1',
      'availability-zone': 'eu-west-1a',
      'instance-type': 'm5.large',
      'instance-life-cycle': 'spot',
    });
    const receiver = await receiveOtlp();
    t.after(receiver.close);
    const host = await capturedHost(t, 'systemd-v2');
    const endpoint = `http://127.0.0.1:${receiver.port}`;
    const push = ['--collector-endpoint', endpoint, '--scrape-interval', '300ms'];
    const containers = ['--cgroupfs-root', host.cgroup, '--min-container-age', '0s'];
    const agent = await run(t, captured(host), [...said.argv, ...push, ...containers], said.env);
    const { golden } = await page(agent.url);
    const infos = golden.split('\n').filter((line) => line.startsWith('node_cloud_info'));
    const labels = {
      account_id: '',
      availability_zone: 'eu-west-1a',
      availability_zone_id: '',
      instance_id: '',
      instance_life_cycle: 'spot',
      instance_type: 'm5.large',
      local_ipv4: '',
      machine_id: '0123456789abcdef0123456789abcdef',
      provider: 'aws',
      public_ipv4: '',
      region: 'eu-west-1',
      system_uuid: '4C4C4544-0031-3510-8052-B4C04F4E3132',
    };
    const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    assert.deepEqual(infos, [`node_cloud_info{${pairs.join(',')}} 1`]);

    const series = golden.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const isPlaced = (line: string): boolean => /\baz="eu-west-1a",.*\bregion="eu-west-1"/.test(line);
    const ofContainers = series.filter((line) => /^(container_|promhttp_)/.test(line));
    assert.ok(ofContainers.length > 2);
    assert.deepEqual(
      series.filter((line) => isPlaced(line)),
      ofContainers,
    );

    const { resource } = await until('a push', () => receiver.requests[0]);
    assert.equal(resource['cloud.provider'], 'aws');
    assert.equal(resource['cloud.region'], 'eu-west-1');
    assert.equal(resource['cloud.availability_zone'], 'eu-west-1a');
    assert.equal(resource['host.type'], 'm5.large');
    assert.equal(resource['host.id'], labels.machine_id);
    proves(t, ...said.names, 'node_cloud_info');
  });

  test(`${way}: log-per-second and log-burst`, async (t) => {
    const linesWith = async (
      options: Record<string, string>,
    ): Promise<{ lines: number; dropped: number }> => {
      const port = await freePort();
      const { argv, env } = say(way, options);
      const agent = startAgent(t, ['--listen', `127.0.0.1:${port}`, ...argv], { ...env, ...pullOnly });
      const text = await until('the page', () => pageOf(`http://127.0.0.1:${port}/metrics`));
      const lines = agent.log().split('\n').filter(Boolean).length;
      return { lines, dropped: valueOf(text.split('\n'), 'node_agent_log_lines_dropped_total{') };
    };
    const few = await linesWith({ 'log-per-second': '0', 'log-burst': '2' });
    assert.equal(few.lines, 2);
    const more = await linesWith({ 'log-per-second': '1e6', 'log-burst': '1' });
    assert.ok(few.dropped > 0);
    assert.equal(more.dropped, 0);
    assert.ok(more.lines > few.lines, `${more.lines} lines`);
    proves(t, ...say(way, { 'log-per-second': '', 'log-burst': '' }).names);
  });

  test(`${way}: endpoints, key and interval of the push`, async (t) => {
    const [metrics, all] = [await receiveOtlp(), await receiveOtlp()];
    t.after(metrics.close);
    t.after(all.close);
    const common = { 'scrape-interval': '150ms', 'api-key': 'secret' };
    const allEndpoint = { 'collector-endpoint': `http://127.0.0.1:${all.port}` };
    const alone = say(way, { ...common, ...allEndpoint });
    const agent = await agentOf(t, alone, pushOnly);
    // The interval is 15 s unless told: so many would take a minute.
    await until('five pushes', () => all.requests.length >= 5 || undefined);
    await agent.close();
    assert.deepEqual(all.requests[0]!.headers.get('x-api-key'), ['secret']);
    const before = all.requests.length;

    const own = say(way, {
      ...common,
      ...allEndpoint,
      'metrics-endpoint': `http://127.0.0.1:${metrics.port}`,
    });
    await agentOf(t, own, pushOnly);
    await until('a push', () => metrics.requests.length > 0 || undefined);
    assert.equal(all.requests.length, before, 'its own endpoint wins');
    proves(t, ...own.names);
  });

  test(`${way}: whom to trust`, async (t) => {
    const directory = await folder(t);
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    const files = ['-keyout', key, '-out', certificate];
    execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', ...curve, ...files, ...subject], {
      stdio: 'ignore',
    });
    const pair = { private_key: readFileSync(key), cert_chain: readFileSync(certificate) };
    const receiver = await receiveOtlp({ credentials: ServerCredentials.createSsl(null, [pair]) });
    t.after(receiver.close);
    const endpoint = {
      'collector-endpoint': `https://127.0.0.1:${receiver.port}`,
      'scrape-interval': '150ms',
    };
    const exports = async (options: Record<string, string>): Promise<string> => {
      const agent = await agentOf(t, say(way, { ...endpoint, ...options }), pushOnly);
      const told = await until('an export', () =>
        agent.log.find(({ msg }) => /^OTLP export/.test(String(msg))),
      );
      await agent.close();
      return String(told['msg']);
    };
    assert.match(await exports({}), /fails/, 'nobody vouches for it');
    assert.match(await exports({ 'ca-file': certificate }), /works/);
    assert.match(await exports({ 'insecure-skip-verify': 'true' }), /works/);
    proves(t, ...say(way, { 'ca-file': '', 'insecure-skip-verify': '' }).names);
  });
}
