/** Services that do not answer as they should: one line in the log, pauses between attempts, and no wrong label. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { awsRoutes, awsToken, azureInstance, examples } from './clouds.ts';
import { CloudMachine, plain, skip, until } from './machine.ts';
import type { Reply, Script } from './server.ts';

const local = 'http://169.254.169.254';
let machine: CloudMachine;
before(async () => {
  if (!skip) machine = await CloudMachine.start();
});
after(async () => machine?.end());

const oracle = `GET ${local}/opc/v2/instance/`;
const hetzner = `GET ${local}/hetzner/v1/metadata`;
const gcpProject = `GET ${local}/computeMetadata/v1/project/project-id`;
const html = '<!DOCTYPE html><html><body>It works!</body></html>';
const deepJson = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
const deepYaml = `instance-id: ${'['.repeat(30_000)}\nregion: eu\n`;
const anchors = ['instance-id: &a [x, x]', 'region: *a', ''].join('\n');

const bad: readonly (readonly [what: string, provider: string, Script, RegExp])[] = [
  ['404', 'Oracle', { routes: {} }, /no JSON object/],
  ['500', 'Oracle', { routes: { [oracle]: { status: 500, body: '{"id":"x"}' } } }, /status 500/],
  [
    '401 for ever',
    'AWS',
    {
      routes: {
        [`PUT ${local}/latest/api/token`]: { body: 'old' },
        [`GET ${local}/latest/meta-data/instance-id`]: { status: 401 },
      },
    },
    /status 401/,
  ],
  [
    'no token',
    'AWS',
    { routes: { [`PUT ${local}/latest/api/token`]: { status: 403 } } },
    /no token \(status 403\)/,
  ],
  [
    'a token that is no header',
    'AWS',
    { routes: { [`PUT ${local}/latest/api/token`]: { body: 'a\r\nX-Other: b' } } },
    /no token/,
  ],
  [
    'a redirection to another host',
    'Oracle',
    { routes: { [oracle]: { status: 302, headers: { Location: 'http://100.100.100.200/stolen' } } } },
    /status 302/,
  ],
  ['chunks without end', 'Oracle', { routes: { [oracle]: { does: 'endless' } } }, /larger than 65536 bytes/],
  ['1 GB', 'Oracle', { routes: { [oracle]: { does: 'huge' } } }, /larger than 65536 bytes/],
  ['a reset', 'Oracle', { routes: { [oracle]: { does: 'reset' } } }, /ECONNRESET|hang up/],
  ['no HTTP', 'Oracle', { routes: { [oracle]: { does: 'garbage' } } }, /Parse Error/],
  ['nothing at all', 'Oracle', { routes: { [oracle]: { does: 'hang' } } }, /no answer within 5 s/],
  ['invalid JSON', 'Azure', { routes: { [azureInstance]: { body: '{"compute":' } } }, /no JSON object/],
  ['deep JSON', 'Azure', { routes: { [azureInstance]: { body: deepJson } } }, /no instance id/],
  [
    'JSON of other types',
    'Azure',
    { routes: { [azureInstance]: { body: '{"compute":{"vmId":{"a":1},"location":7}}' } } },
    /cannot be a label/,
  ],
  ['invalid YAML', 'Hetzner', { routes: { [hetzner]: { body: 'instance-id: "42\nregion: [' } } }, /hetzner/],
  ['deep YAML', 'Hetzner', { routes: { [hetzner]: { body: deepYaml } } }, /hetzner/],
  ['YAML with anchors', 'Hetzner', { routes: { [hetzner]: { body: anchors } } }, /hetzner|cannot be a label/],
  [
    'a web server at the address',
    'GCP',
    { routes: { [gcpProject]: { body: html } } },
    /not answered by Google/,
  ],
  [
    'a web server at the address',
    'DigitalOcean',
    {
      routes: {
        [`GET ${local}/metadata/v1/id`]: { body: html },
        [`GET ${local}/metadata/v1/region`]: { body: html },
      },
    },
    /cannot be a label/,
  ],
  ['a name server that hangs', 'IBM', { routes: examples['IBM']!.routes }, /no answer within 3000 ms/],
  [
    'a name that leads elsewhere',
    'IBM',
    { routes: examples['IBM']!.routes, dns: '100.100.100.200' },
    /not link-local/,
  ],
];

/** Waits until a number has been the same for a while. */
async function quiet(count: () => number): Promise<void> {
  for (let before = NaN; before !== count(); await sleep(200)) before = count();
}

for (const [what, provider, script, problem] of bad)
  test(`${provider}: ${what}`, { skip }, async (t) => {
    await machine.serve(script);
    const memory = process.memoryUsage().rss;
    const cloud = machine.cloud(t, examples[provider]!.files);
    const isAnswered = Symbol('answered');
    const before = cloud.instance;
    await until('a problem', () => machine.problems.length > 0);
    assert.match(machine.problems[0]!, problem);
    await quiet(() => machine.asked.length);
    // Long enough for a second attempt, and not for a third.
    const asked = machine.asked.length;
    await sleep(1400);
    assert.ok(machine.asked.length <= 2 * asked, machine.requests().join('\n'));
    assert.equal(machine.problems.length, 1, machine.problems.join('\n'));
    const { provider: name, ...fields } = cloud.instance;
    assert.equal(name, provider);
    assert.deepEqual([...new Set(Object.values(fields))], [''], 'nothing is told');
    assert.equal(cloud.instance, before);
    assert.ok(!machine.requests().some((request) => request.includes('stolen')));
    assert.ok(process.memoryUsage().rss - memory < 100 << 20);
    cloud.close();
    assert.notEqual(await Promise.race([cloud.answered, sleep(1000, isAnswered)]), isAnswered, 'closed');
  });

test('a token that is refused is asked for anew, once', { skip }, async (t) => {
  const expired: Reply = { body: 'expired' };
  const [tokenRequest = ''] = Object.keys(awsRoutes);
  const routes = { ...awsRoutes, [tokenRequest]: [expired, { body: awsToken }] };
  await machine.serve({ routes });
  const cloud = machine.cloud(t, examples['AWS']!.files);
  await cloud.answered;
  assert.equal(cloud.instance.instanceId, 'i-1234567890abcdef0');
  const [, first, second, third] = machine.requests();
  assert.deepEqual([first, third], Array(2).fill(`GET ${local}/latest/meta-data/instance-id`));
  assert.equal(second, tokenRequest);
  assert.equal(machine.requests().filter((request) => request === tokenRequest).length, 2);
  assert.deepEqual(machine.problems, []);
});

test('a service that fails first is asked again, after a second at the earliest', { skip }, async (t) => {
  const { files, routes } = examples['Oracle']!;
  await machine.serve({ routes: { [oracle]: [{ status: 503 }, { status: 503 }, routes[oracle] as Reply] } });
  const began = performance.now();
  const cloud = machine.cloud(t, files);
  await cloud.answered;
  const tookMs = performance.now() - began;
  assert.ok(tookMs > 3000, `${tookMs} ms: 1 to 2 s, then 2 to 4 s`);
  assert.equal(machine.requests().length, 3);
  assert.equal(machine.problems.length, 1);
  await until('the news', () => machine.recoveries.length > 0);
  assert.deepEqual(machine.recoveries, ['the metadata service of Oracle answers again']);
  assert.notEqual(cloud.instance.instanceId, '');
});

test('values that cannot be labels are left out, and told once', { skip }, async (t) => {
  const long = 'x'.repeat(10_240);
  const change = (key: string, body: string): Record<string, Reply> => ({
    [`GET ${local}/latest/meta-data/${key}`]: { ...awsRoutes[`GET ${local}/latest/meta-data/${key}`], body },
  });
  const routes = {
    ...awsRoutes,
    ...change('placement/region', `us\neast${long}`),
    ...change('placement/availability-zone', 'us-east-1a\u0007'),
    ...change('instance-type', long),
    ...change('local-ipv4', '10.0.0.256'),
  };
  await machine.serve({ routes });
  const cloud = machine.cloud(t, examples['AWS']!.files);
  await cloud.answered;
  const { region, availabilityZone, instanceType, localIpv4, publicIpv4, instanceId } = cloud.instance;
  assert.deepEqual([region, availabilityZone, instanceType, localIpv4], ['', '', '', '']);
  assert.deepEqual([publicIpv4, instanceId], ['203.0.113.25', 'i-1234567890abcdef0']);
  assert.equal(machine.problems.length, 1);
  assert.match(machine.problems[0]!, /instanceType, region, availabilityZone, localIpv4/);
  assert.ok(machine.problems[0]!.length < 500);
});

test('variables for proxies do not count', { skip }, async (t) => {
  const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'all_proxy', 'NODE_USE_ENV_PROXY'];
  for (const name of names) process.env[name] = name.startsWith('NODE') ? '1' : 'http://127.0.0.1:1';
  t.after(() => names.forEach((name) => delete process.env[name]));
  const { files, routes } = examples['Oracle']!;
  await machine.serve({ routes });
  const cloud = machine.cloud(t, files, { cloud: plain });
  await cloud.answered;
  assert.notEqual(cloud.instance.instanceId, '');
});
