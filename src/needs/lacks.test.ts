import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  features,
  needsOf,
  reasons,
  type Feature,
  type FeatureSpec,
  type Need,
} from '../../config/capabilities.ts';
import { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import { explainer } from './explain.ts';
import { isOlder, lacking } from './lacks.ts';
import { offerOf } from './offer.ts';

/** A machine with these files below /proc and /sys. */
function machine(t: TestContext, files: Readonly<Record<string, string | Buffer>>): HostPaths {
  const folder = mkdtempSync(join(tmpdir(), 'needs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), contents);
  }
  return { proc: join(folder, 'proc'), sys: join(folder, 'sys'), root: '', cgroup: join(folder, 'cgroup') };
}

/** Names of the needs that the machine lacks. */
function lacks(paths: HostPaths, needs: readonly Partial<Need>[], states = new Features()): string[] {
  const whole = needs.map((need) => ({ for: 'it', ...need }) as Need);
  return lacking(whole, { paths, offer: offerOf(paths), features: states }).map(({ name }) => name);
}

const status = (hex: string): string => `Name:\tx\nCapEff:\t${hex}\nCapBnd:\t000001ffffffffff\n`;
const release = 'proc/sys/kernel/osrelease';

const every: readonly Partial<Need>[] = [
  { kind: 'capability', name: 'CAP_BPF' },
  { kind: 'kernel', name: '5.10' },
  { kind: 'config', name: 'CONFIG_BPF_SYSCALL' },
  { kind: 'sysctl', name: 'kernel.bpf_stats_enabled' },
  { kind: 'lockdown', name: 'integrity' },
];

test('what a machine offers', (t) => {
  const paths = machine(t, {
    'proc/self/status': status('0000008000000000'),
    [release]: '5.10.0-30-amd64\n',
    'proc/config.gz': gzipSync('CONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\n'),
    'proc/sys/kernel/bpf_stats_enabled': '1\n',
    'sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
  });
  assert.deepEqual(lacks(paths, every), []);
});

test('what a machine lacks', (t) => {
  const paths = machine(t, {
    'proc/self/status': status('0000004000000000'),
    [release]: '5.4.0-200-generic\n',
    'proc/config.gz': gzipSync('CONFIG_BPF=y\n# CONFIG_BPF_SYSCALL is not set\n'),
    'proc/sys/kernel/bpf_stats_enabled': '0\n',
    'sys/kernel/security/lockdown': 'none integrity [confidentiality]\n',
  });
  assert.deepEqual(
    lacks(paths, every),
    every.map(({ name }) => name),
  );
  assert.deepEqual(
    lacks(paths, [{ kind: 'config', name: 'CONFIG_DEBUG_INFO_BTF' }]),
    ['CONFIG_DEBUG_INFO_BTF'],
    'BTF is a file, whatever the configuration says',
  );
});

test('what a machine does not tell of is not lacking', (t) => {
  for (const files of [
    { 'proc/x': '' },
    {
      'proc/self/status': 'CapEff:\tnonsense\n',
      'proc/config.gz': Buffer.from('no gzip'),
      'sys/kernel/security/lockdown': '\0\0',
    },
  ])
    assert.deepEqual(lacks(machine(t, files), every), []);
});

test('the configuration beside the kernel is as good as that of the kernel', (t) => {
  const boot = 'proc/1/root/boot/config-6.1.0-18-amd64';
  const paths = machine(t, { [release]: '6.1.0-18-amd64\n', [boot]: 'CONFIG_BPF_EVENTS=y\n' });
  const needs = ['CONFIG_BPF_EVENTS', 'CONFIG_CGROUP_BPF'].map((name) => ({ kind: 'config', name }) as const);
  assert.deepEqual(lacks(paths, needs), ['CONFIG_CGROUP_BPF']);
});

test('an alternative does as well, and old kernels need more', (t) => {
  const admin = { kind: 'capability', name: 'CAP_SYS_ADMIN' } as const;
  const perfmon = { kind: 'capability', name: 'CAP_PERFMON', or: [admin] } as const;
  const resource = { kind: 'capability', name: 'CAP_SYS_RESOURCE', below: '5.11' } as const;
  const old = { 'proc/self/status': status('0000000000200000'), [release]: '5.10.0\n' };
  assert.deepEqual(lacks(machine(t, old), [perfmon, resource]), ['CAP_SYS_RESOURCE']);
  const bare = { 'proc/self/status': status('0000000000000000'), [release]: '5.11.0\n' };
  assert.deepEqual(lacks(machine(t, bare), [perfmon, resource]), ['CAP_PERFMON']);
});

test('releases', () => {
  for (const [one, other, older] of [
    ['5.9.16', '5.10', true],
    ['5.10.0-30-amd64', '5.10', false],
    ['4.19.0', '5.10', true],
    ['6.1-rc1', '5.10', false],
  ] as const)
    assert.equal(isOlder(one, other), older, one);
});

test('the first thing that is missing gives the reason, the detail names all', (t) => {
  const paths = machine(t, { 'proc/self/status': status('0'), [release]: '4.4.0\n' });
  const told: string[] = [];
  const states = new Features((_, { reason }, detail) => told.push(`${reason}: ${detail}`), explainer(paths));
  states.fail('tcp', Object.assign(new Error('not permitted'), { code: 'EPERM' }));
  const [line = ''] = told;
  assert.match(line, /^old_kernel: needs 5\.10 .*CAP_BPF \(loading programs\).*: not permitted$/);
  states.fail('cgroup_events', new Error('x'));
  assert.equal(states.get('cgroup_events')?.reason, 'old_kernel');
});

test('where nothing of the list is missing the error speaks', (t) => {
  const full = { 'proc/self/status': status('000001ffffffffff'), 'sys/kernel/btf/vmlinux': '' };
  const paths = machine(t, full);
  for (const [error, reason] of [
    [{ code: 'EPERM' }, 'denied'],
    [{ code: 'ENOSYS' }, 'denied'],
    [{ code: 'EACCES', verifierLog: 'R1 invalid' }, 'kernel'],
    [{ code: 'EINVAL' }, 'kernel'],
  ] as const) {
    const states = new Features(() => {}, explainer(paths));
    states.fail('cgroup_events', Object.assign(new Error('x'), error));
    assert.equal(states.get('cgroup_events')?.reason, reason);
  }
});

test('a feature without the addon says so, and those that stand on it', (t) => {
  const paths = machine(t, { 'sys/kernel/btf/vmlinux': '' });
  const states = new Features(() => {}, explainer(paths));
  states.set('addon', false, 'not_loadable');
  states.fail('tcp_active', new Error('x'));
  assert.equal(states.get('tcp_active')?.reason, 'no_addon');
});

test('a feature on another needs all that this one cannot be without', () => {
  const need = (name: string, lessens?: boolean): Need => ({
    kind: 'sysctl',
    name,
    for: 'it',
    ...(lessens && { lessens }),
  });
  const spec = (...needs: readonly Need[]): FeatureSpec => ({ description: '', without: '', needs });
  const on = (lessens: boolean): Need => ({ kind: 'feature', name: 'tcp', for: 'it', lessens });
  const tcp = spec(need('a'), need('b', true));
  for (const lessens of [false, true]) {
    const table = { tcp, tcp_active: spec(need('c'), on(lessens)) };
    assert.deepEqual(
      needsOf('tcp_active', table).map((one) => [one.name, one.lessens ?? false]),
      [
        ['c', false],
        ['tcp', lessens],
        ['a', lessens],
      ],
    );
  }
});

test('the list is well-formed: needs name things that exist', () => {
  const names = Object.keys(features) as Feature[];
  for (const name of names) {
    for (const need of needsOf(name)) {
      assert.ok(need.for.length > 0, `${name}: ${need.name}`);
      if (need.kind === 'feature') assert.ok(names.includes(need.name as Feature), need.name);
      if (need.kind === 'capability') assert.match(need.name, /^CAP_[A-Z_]+$/);
      if (need.kind === 'kernel') assert.match(need.name, /^\d+\.\d+$/);
      if (need.kind === 'config') assert.match(need.name, /^CONFIG_[A-Z0-9_]+$/);
    }
  }
  for (const meaning of Object.values(reasons)) assert.match(meaning, /\w.*\.$/);
});
