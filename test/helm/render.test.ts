/** Every file of helm/ci is accepted by Helm, and what comes out by the schemas of every release of Kubernetes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, peer, without } from '../peers/peer.ts';
import { helm, majors, objects, presetFile, presets, skip, skipWithout, template } from './chart.ts';

const schemas = peer('kubernetes-schemas');
const skipSchemas = skip || without(schemas, 'kubernetes-schemas');
const operators = peer('operators');
const releases = schemas === undefined ? [] : readdirSync(schemas);
/** Kinds that Kubernetes does not have itself. */
const foreign = ['PodMonitor', 'ServiceMonitor', 'SecurityContextConstraints'];

/** Answers what kubeconform finds wrong with the files, which must be of that release. */
function validate(release: string, files: readonly string[]): { status: number | null; stdout: string } {
  const location = `${schemas}/${release}/{{.ResourceKind}}{{.KindSuffix}}.json`;
  const options = ['-strict', '-summary', '-skip', foreign.join(), '-schema-location', location];
  const program = join(peer('helm')!, 'kubeconform');
  const { status, stdout, stderr } = spawnSync(program, [...options, ...files], { encoding: 'utf8' });
  return { status, stdout: stdout + stderr };
}

test('there are values for many clusters', () => assert.ok(presets.length >= 15, presets.join(', ')));

for (const major of majors)
  test(`helm ${major} lint`, { skip: skipWithout(major) }, () => {
    for (const preset of presets) {
      const { status, stdout, stderr } = helm(
        ['lint', '--strict', `--values=${presetFile(preset)}`],
        {},
        major,
      );
      assert.equal(status, 0, `${preset}: ${stdout}${stderr}`);
    }
  });

test('Helm 3 and Helm 4 render the same', { skip: skip || skipWithout(3) }, () => {
  for (const preset of presets)
    assert.deepEqual(objects(template({ preset, helm: 3 })), objects(template({ preset, helm: 4 })), preset);
});

test('Kubernetes 1.25 to 1.36 know every object', { skip: skipSchemas }, async (t) => {
  const path = await folder(t);
  for (let minor = 25; minor <= 36; minor++) assert.ok(releases.includes(`1.${minor}`), `1.${minor}`);
  for (const release of releases) {
    const all = release === releases[0] || release === releases.at(-1);
    const chosen = all ? presets : ['default', 'profiles', 'gke-autopilot-like'];
    const files = chosen.map((preset) => {
      const file = join(path, `${release}-${preset}.yaml`);
      writeFileSync(file, template({ preset, kubernetes: release }));
      return file;
    });
    const { status, stdout } = validate(release, files);
    assert.equal(status, 0, `${release}: ${stdout}`);
    const [, valid] = /Valid: (\d+)/.exec(stdout) ?? [];
    assert.ok(Number(valid) >= 3 * files.length, stdout);
  }
});

test('the schemas refuse what Kubernetes would', { skip: skipSchemas }, async (t) => {
  const wrong = [
    { from: 'hostPID:', to: 'hostPIDs:', named: 'hostPIDs' },
    { from: 'containerPort: 80', to: 'containerPort: eighty', named: 'containerPort' },
  ];
  const path = await folder(t);
  const whole = template();
  for (const { from, to, named } of wrong) {
    assert.ok(whole.includes(from), from);
    const file = join(path, 'wrong.yaml');
    writeFileSync(file, whole.replace(from, to));
    const { status, stdout } = validate('1.37', [file]);
    assert.deepEqual([status, stdout.includes(named)], [1, true], stdout);
  }
});

/** What the types of the operators themselves find wrong. */
function typed(yaml: string): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(join(operators!, 'operators'), { input: yaml, encoding: 'utf8' });
  return { status, stderr };
}

test(
  'the operators know the objects that are theirs',
  { skip: skip || without(operators, 'operators') },
  () => {
    const seen = new Set<string>();
    for (const preset of presets)
      for (const text of template({ preset }).split(/^---$/m)) {
        const kind = foreign.find((name) => text.includes(`kind: ${name}\n`));
        if (kind === undefined) continue;
        seen.add(kind);
        assert.deepEqual(typed(text), { status: 0, stderr: '' }, preset);
        const { status, stderr } = typed(text.replace(/^metadata:/m, 'metadatum:'));
        assert.deepEqual([status, stderr.includes('metadatum')], [1, true], stderr);
      }
    assert.deepEqual([...seen].sort(), foreign.toSorted());
  },
);

test(
  'before Kubernetes 1.30 the AppArmor profile is an annotation, then a field, never both',
  { skip },
  () => {
    for (const [kubernetes, annotation] of [
      ['1.29', true],
      ['1.30', false],
    ] as const) {
      const text = template({ kubernetes });
      assert.equal(
        text.includes('container.apparmor.security.beta.kubernetes.io/agent: unconfined'),
        annotation,
      );
      assert.equal(text.includes('appArmorProfile:'), !annotation);
    }
  },
);
