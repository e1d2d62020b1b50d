/** What the agent is given: what config/capabilities.json says that its features need, and with that alone they work. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readlinkSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { features, general, needsOf, type Feature, type Need } from '../../config/capabilities.ts';
import { assertLost, look, lookAtAll, skip as skipLooking } from '../features/machine.ts';
import { until } from '../peers/peer.ts';
import { notes, objectOf, podOf, skip } from './chart.ts';

const all = Object.keys(features) as Feature[];
const isCapability = ({ kind }: Need): boolean => kind === 'capability';
const needed = [
  ...new Set(
    [...general, ...all.flatMap((name) => needsOf(name))].filter(isCapability).map(({ name }) => name),
  ),
].map((name) => name.replace('CAP_', ''));

function capabilitiesOf(values: unknown): readonly string[] {
  return podOf({ values }).spec.containers[0]!.securityContext.capabilities?.add ?? [];
}

/** Whether this process is on the network of pid 1, as a pod is with hostNetwork. */
function isOnHostNetwork(): boolean {
  try {
    return statSync('/proc/1/ns/net').ino === statSync('/proc/self/ns/net').ino;
  } catch {
    return false;
  }
}

const onOwnPort = { port: 10300 };
const reduced = { ...onOwnPort, capabilities: { sysAdmin: false } };

test('the capabilities are those of the list, and one for a low port', { skip }, () => {
  assert.deepEqual(capabilitiesOf(onOwnPort), needed.toSorted());
  assert.deepEqual(capabilitiesOf({}), [...needed, 'NET_BIND_SERVICE'].sort());
  const without = (...names: string[]): string[] => needed.filter((name) => !names.includes(name)).sort();
  assert.deepEqual(capabilitiesOf(reduced), without('SYS_ADMIN'));
  const fewer = { sysResource: false, drop: ['NET_RAW', 'BPF'], add: ['SYSLOG'] };
  const expected = [...without('SYS_RESOURCE', 'NET_RAW', 'BPF'), 'SYSLOG'].sort();
  assert.deepEqual(capabilitiesOf({ ...onOwnPort, capabilities: fewer }), expected);
});

test('nothing else is given', { skip }, () => {
  const { spec } = podOf();
  const [agent] = spec.containers;
  assert.equal(agent!.securityContext.privileged, false);
  assert.equal(agent!.securityContext.readOnlyRootFilesystem, true);
  assert.deepEqual(agent!.securityContext.capabilities!.drop, ['ALL']);
  assert.equal(spec.automountServiceAccountToken, false);
  assert.equal(spec.hostNetwork, undefined);
  assert.deepEqual(agent!.ports, [{ name: 'metrics', containerPort: 80 }]);
  assert.deepEqual(
    spec.volumes.filter(({ hostPath }) => hostPath !== undefined),
    [{ name: 'cgroup', hostPath: { path: '/sys/fs/cgroup', type: 'Directory' } }],
  );
  const { securityContext } = podOf({ values: { privileged: true } }).spec.containers[0]!;
  assert.deepEqual(securityContext, { privileged: true, readOnlyRootFilesystem: true, runAsUser: 0 });
});

test('constraints of OpenShift allow what the pod wants', { skip }, () => {
  const values = { openshift: { securityContextConstraints: true }, hostNetwork: true };
  const constraints = objectOf('SecurityContextConstraints', { values }) as unknown as {
    users: string[];
    allowedCapabilities: string[];
    allowHostNetwork: boolean;
    allowPrivilegedContainer: boolean;
  };
  assert.deepEqual(constraints.allowedCapabilities, capabilitiesOf(values));
  assert.equal(constraints.allowHostNetwork, true);
  assert.equal(constraints.allowPrivilegedContainer, false);
  const account = objectOf('ServiceAccount', { values }).metadata.name;
  assert.deepEqual(constraints.users, [`system:serviceaccount:monitoring:${account}`]);
});

/** What the notes say of features, as the page would. */
function toldLost(values: unknown): Map<string, string> {
  const lines = notes(values).matchAll(/^ +(\w+) (is off|works in a lesser way), for want of/gm);
  return new Map(
    Array.from(lines, ([, feature, how]) => [feature!, `${how === 'is off' ? 0 : 1} no_capability`]),
  );
}

function launcher(values: unknown): string[] {
  const names = capabilitiesOf(values).map((name) => `+${name.toLowerCase()}`);
  const given = ['setpriv', '--no-new-privs', `--bounding-set=${['-all', ...names].join()}`];
  return [...given, '--inh-caps=-all', '--'];
}

test('with what the chart gives every feature works', { skip: skip || skipLooking }, async (t) => {
  assert.deepEqual(toldLost({ ...onOwnPort, hostNetwork: true }), new Map());
  assertLost(await lookAtAll(t), await look(t, launcher(onOwnPort)), new Map());
});

test('the notes tell which features the reduced mode costs', { skip }, () => {
  const onPodNetwork = toldLost(reduced);
  assert.deepEqual([...onPodNetwork.keys()].sort(), ['cloud', 'host_view', 'latency', 'nat', 'node_net']);
  const onHostNetwork = toldLost({ ...reduced, hostNetwork: true });
  assert.deepEqual([...onHostNetwork], [['latency', '1 no_capability']]);
  assert.ok(toldLost({ capabilities: { drop: ['NET_RAW'] } }).get('latency') === '0 no_capability');
  assert.match(notes({ capabilities: { drop: ['DAC_READ_SEARCH'] } }), /needs DAC_READ_SEARCH \(reading /);
  assert.doesNotMatch(notes({}), /DAC_READ_SEARCH/);
});

test('the reduced mode costs what the notes tell', { skip: skip || skipLooking }, async (t) => {
  const lost = toldLost({ ...reduced, hostNetwork: isOnHostNetwork() });
  assertLost(await lookAtAll(t), await look(t, launcher(reduced)), lost);
});

test(
  "descriptors of other users' processes are what CAP_DAC_READ_SEARCH is for",
  { skip: skip || skipLooking },
  async (t) => {
    const nobody = spawn('sleep', ['60'], { uid: 65534, gid: 65534 });
    t.after(() => nobody.kill('SIGKILL'));
    await until(
      'it sleeps',
      () => readlinkSync(`/proc/${nobody.pid}/exe`) !== readlinkSync('/proc/self/exe') || undefined,
    );
    const list = (values: unknown): number | null => {
      const [program, ...args] = [...launcher(values), 'ls', `/proc/${nobody.pid}/fd`];
      return spawnSync(program, args).status;
    };
    assert.equal(list(onOwnPort), 0);
    assert.notEqual(list({ ...onOwnPort, capabilities: { drop: ['DAC_READ_SEARCH'] } }), 0);
  },
);
