import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { messageOf } from '../errors.ts';

/** Totals of rounds: all batches of one interval are one round, and ok only when each was. */
export interface ExportFigures {
  readonly ok: number;
  readonly failed: number;
}

/** The batches of one interval. */
interface Round {
  pointsLeft: number;
  failed: boolean;
}

/** After an outage grpc-js waits up to two minutes before it connects again; a new channel connects at once. */
const failedRoundsPerChannel = 3;

/**
 * Passes batches on to an exporter that it replaces after three failed rounds in a row. `onState` hears of the first
 * round and of every change between working and failing; the text is the error.
 */
export class RebuildingExporter implements PushMetricExporter {
  readonly figures = { ok: 0, failed: 0 };
  readonly #build: () => PushMetricExporter;
  readonly #onState: (works: boolean, reason: string) => void;
  #inner: PushMetricExporter;
  #round: Round = { pointsLeft: 0, failed: false };
  #failedInARow = 0;
  #works: boolean | undefined;

  /** Throws what `build` throws. */
  constructor(build: () => PushMetricExporter, onState: (works: boolean, reason: string) => void) {
    this.#build = build;
    this.#onState = onState;
    this.#inner = build();
  }

  /** Announces the batches of an interval, so that the last one is known as such. */
  begin(points: number): void {
    this.#round = { pointsLeft: points, failed: false };
  }

  export(batch: ResourceMetrics, done: (result: ExportResult) => void): void {
    const round = this.#round;
    const points = countPoints(batch);
    const settle = (result: ExportResult) => {
      if (result.code === ExportResultCode.SUCCESS) this.#sent(round, points);
      else this.#failed(round, messageOf(result.error));
      done(result);
    };
    try {
      this.#inner.export(batch, settle);
    } catch (error) {
      settle({ code: ExportResultCode.FAILED, error: error as Error });
    }
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#inner.shutdown();
  }

  #sent(round: Round, points: number): void {
    round.pointsLeft -= points;
    if (round.pointsLeft > 0 || round.failed) return;
    this.figures.ok++;
    this.#failedInARow = 0;
    this.#become(true, '');
  }

  #failed(round: Round, reason: string): void {
    if (round.failed) return;
    round.failed = true;
    this.figures.failed++;
    this.#become(false, reason);
    if (++this.#failedInARow < failedRoundsPerChannel) return;
    this.#failedInARow = 0;
    const old = this.#inner;
    this.#inner = this.#build();
    old.shutdown().catch(() => {});
  }

  #become(works: boolean, reason: string): void {
    if (this.#works === works) return;
    this.#works = works;
    this.#onState(works, reason);
  }
}

export function countPoints(metrics: ResourceMetrics): number {
  let points = 0;
  for (const scope of metrics.scopeMetrics) {
    for (const metric of scope.metrics) points += metric.dataPoints.length;
  }
  return points;
}
