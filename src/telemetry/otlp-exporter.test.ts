import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { RebuildingExporter } from './otlp-exporter.ts';

const batch = { scopeMetrics: [{ metrics: [{ dataPoints: [{}, {}] }] }] } as unknown as ResourceMetrics;

/** An exporter whose inner one does to each batch what `fates` says next; an error is thrown, not answered. */
function create(fates: (boolean | Error)[]) {
  const heard: string[] = [];
  const seen = { built: 0, closed: 0, done: 0 };
  const inner = {
    export(_batch: ResourceMetrics, done: (result: ExportResult) => void) {
      const fate = fates.shift();
      if (fate instanceof Error) throw fate;
      done(
        fate === true
          ? { code: ExportResultCode.SUCCESS }
          : { code: ExportResultCode.FAILED, error: new Error('refused') },
      );
    },
    forceFlush: async () => {},
    async shutdown() {
      seen.closed++;
      throw new Error('cannot');
    },
  };
  const build = () => {
    seen.built++;
    return inner;
  };
  const exporter = new RebuildingExporter(build, (works, reason) => heard.push(`${works} ${reason}`));
  /** One interval of that many batches. */
  const round = (batches: number) => {
    exporter.begin(batches * 2);
    for (let i = 0; i < batches; i++) exporter.export(batch, () => seen.done++);
  };
  return { exporter, seen, heard, round };
}

test('after three failed rounds in a row the exporter is made anew', () => {
  const { seen, round } = create([false, false, true, false, false, new Error('broken'), false]);
  for (let i = 0; i < 5; i++) round(1);
  assert.equal(seen.built, 1, 'two, one that went well, two');
  round(1);
  assert.deepEqual(seen, { built: 2, closed: 1, done: 6 });
  round(1);
  assert.equal(seen.built, 2);
});

test('a round is ok when all its batches are, and one bad batch does not make the state flap', () => {
  const { exporter, heard, round } = create([true, true, true, false, true, true, false, false, true, true]);
  round(2);
  round(3);
  round(3);
  round(2);
  assert.deepEqual(exporter.figures, { ok: 2, failed: 2 });
  assert.deepEqual(heard, ['true ', 'false refused', 'true ']);
});
