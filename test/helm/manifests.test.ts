/** The manifests in helm/manifests are what the chart renders: `GOLDEN=write` writes them anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { chart, objects, presetFile, helm, skip } from './chart.ts';

for (const preset of ['default', 'reduced', 'privileged'])
  test(`${preset}.yaml`, { skip }, () => {
    const args = ['template', 'otel-node-agent', '--skip-tests', '--kube-version=1.30.0'];
    const { status, stdout, stderr } = helm([...args, `--values=${presetFile(preset)}`]);
    assert.equal(status, 0, stderr);
    const file = join(chart, `manifests/${preset}.yaml`);
    // Who applies it without Helm has no release.
    const text = stdout.replace(/^ +(app\.kubernetes\.io\/managed-by|helm\.sh\/chart): .*\n/gm, '');
    if (process.env['GOLDEN'] === 'write') writeFileSync(file, text);
    assert.equal(readFileSync(file, 'utf8'), text, 'GOLDEN=write node --test test/helm/manifests.test.ts');
    assert.deepEqual(
      objects(text)
        .map(({ kind }) => kind)
        .sort(),
      ['ConfigMap', 'DaemonSet', 'Service', 'ServiceAccount'],
    );
  });
