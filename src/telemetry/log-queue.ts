import { setTimeout as sleep } from 'node:timers/promises';
import { trace, type Context } from '@opentelemetry/api';
import type { LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord } from '@opentelemetry/sdk-logs';
import { messageOf } from '../errors.ts';
import type { LogExportFigures, LogExportHooks } from '../model/log-export.ts';
import type { LogSender } from './log-exporter.ts';
import { isRetryable } from './otlp-retry.ts';

export interface LogQueueLimits {
  readonly maxRecords: number;
  /** Of what records have in texts, and some for each. */
  readonly maxBytes: number;
  readonly batchRecords: number;
  /** A Collector refuses requests above 4 MiB, counted before compression. */
  readonly batchBytes: number;
  /** So long a batch that is not full waits for more. */
  readonly delayMs: number;
  /** Waits after failures, and how old what waits may become meanwhile. */
  readonly minRetryMs: number;
  readonly maxRetryMs: number;
  readonly maxAgeMs: number;
}

const defaults: LogQueueLimits = {
  maxRecords: 16_384,
  maxBytes: 16 << 20,
  batchRecords: 1024,
  batchBytes: 2 << 20,
  delayMs: 1000,
  minRetryMs: 1000,
  maxRetryMs: 30_000,
  maxAgeMs: 300_000,
};
/** Numbers, times and the places of texts. */
const overheadBytes = 256;

type Outcome = Exclude<keyof LogExportFigures, 'queued'>;

interface Waiting {
  readonly record: ReadableLogRecord;
  readonly bytes: number;
  readonly sinceMs: number;
}

/**
 * A batch processor with what that of the SDK lacks: a bound in bytes, another try for a batch that failed, and figures of all that does
 * not arrive. What is on its way stays in the queue, so that the bounds hold for both.
 */
export class LogQueue implements LogRecordProcessor {
  readonly #sender: LogSender;
  readonly #onState: LogExportHooks['onState'];
  readonly #limits: LogQueueLimits;
  readonly #totals: Record<Outcome, number> = { sent: 0, refused: 0, expired: 0, overflow: 0, unsent: 0 };
  readonly #end = new AbortController();
  #waiting: Waiting[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isSoon = false;
  #running: Promise<void> | undefined;
  #works: boolean | undefined;

  constructor(sender: LogSender, onState: LogExportHooks['onState'], limits: Partial<LogQueueLimits> = {}) {
    this.#sender = sender;
    this.#onState = onState;
    this.#limits = { ...defaults, ...limits };
  }

  get figures(): LogExportFigures {
    return { ...this.#totals, queued: this.#waiting.length };
  }

  /** Counts one that finds no place. */
  hasRoom(): boolean {
    const { maxRecords, maxBytes } = this.#limits;
    const found = this.#waiting.length < maxRecords && this.#bytes < maxBytes;
    if (!found) this.#totals.overflow++;
    return found;
  }

  onEmit(record: ReadWriteLogRecord, context?: Context): void {
    // The SDK leaves out a trace that is known without its span.
    const span = context && trace.getSpanContext(context);
    if (span !== undefined) record.spanContext = span;
    const { maxRecords, maxBytes, delayMs } = this.#limits;
    const bytes = bytesOf(record);
    if (this.#end.signal.aborted) this.#totals.unsent++;
    else if (this.#waiting.length >= maxRecords || this.#bytes + bytes > maxBytes) this.#totals.overflow++;
    else {
      this.#waiting.push({ record, bytes, sinceMs: performance.now() });
      this.#bytes += bytes;
      if (this.#running === undefined) this.#sendAfter(this.#isFull() ? 0 : delayMs);
    }
  }

  /** Sends what waits until nothing does. */
  async forceFlush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await (this.#running ??= this.#run(true).finally(() => (this.#running = undefined)));
    if (this.#waiting.length > 0 && !this.#end.signal.aborted) await this.forceFlush();
  }

  /** What has not been sent by then is counted. */
  async shutdown(withinMs = 0): Promise<void> {
    await Promise.race([this.forceFlush(), sleep(withinMs, undefined, { ref: false })]);
    clearTimeout(this.#timer);
    this.#end.abort();
    this.#settle(this.#waiting.length, 'unsent');
    this.#sender.close();
  }

  #sendAfter(ms: number): void {
    if (this.#timer !== undefined && (ms > 0 || this.#isSoon)) return;
    clearTimeout(this.#timer);
    this.#isSoon = ms === 0;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#running ??= this.#run(false).finally(() => {
        this.#running = undefined;
        if (this.#waiting.length > 0) this.#sendAfter(this.#limits.delayMs);
      });
    }, ms).unref();
  }

  /** Sends until less than a batch waits, or nothing. What fails, by a throw too, is sent again, longer and longer after. */
  async #run(all: boolean): Promise<void> {
    const { minRetryMs, maxRetryMs } = this.#limits;
    let retryMs = minRetryMs;
    for (let goesOn = true; goesOn && this.#waiting.length > 0 && !this.#end.signal.aborted;) {
      const batch = this.#batch();
      const sent = await this.#sender.send(batch).catch((error: unknown) => ({ error, rejected: 0 }));
      if (this.#end.signal.aborted) return;
      this.#become(sent.error);
      if (sent.error === undefined) this.#sent(batch.length, sent.rejected);
      else if (!isRetryable(sent.error)) this.#settle(batch.length, 'refused');
      else {
        this.#expire();
        const jittered = retryMs * (0.8 + 0.4 * Math.random());
        retryMs = Math.min(2 * retryMs, maxRetryMs);
        await sleep(jittered, undefined, { ref: false, signal: this.#end.signal }).catch(() => {});
        continue;
      }
      retryMs = minRetryMs;
      goesOn = all || this.#isFull();
    }
  }

  #sent(records: number, rejected: number): void {
    const refused = Math.min(rejected, records);
    this.#settle(refused, 'refused');
    this.#settle(records - refused, 'sent');
  }

  /** Whether there is enough for a batch. */
  #isFull(): boolean {
    const { batchRecords, batchBytes } = this.#limits;
    return this.#waiting.length >= batchRecords || this.#bytes >= batchBytes;
  }

  #batch(): ReadableLogRecord[] {
    const { batchRecords, batchBytes } = this.#limits;
    const batch: ReadableLogRecord[] = [];
    let left = batchBytes;
    for (const { record, bytes } of this.#waiting) {
      if (batch.length >= batchRecords || (bytes > left && batch.length > 0)) break;
      left -= bytes;
      batch.push(record);
    }
    return batch;
  }

  #expire(): void {
    const sinceMs = performance.now() - this.#limits.maxAgeMs;
    const first = this.#waiting.findIndex((one) => one.sinceMs > sinceMs);
    this.#settle(first === -1 ? this.#waiting.length : first, 'expired');
  }

  /** The first so many are done with. */
  #settle(records: number, outcome: Outcome): void {
    for (const { bytes } of this.#waiting.splice(0, records)) this.#bytes -= bytes;
    this.#totals[outcome] += records;
  }

  #become(error: unknown): void {
    const works = error === undefined;
    if (this.#works === works) return;
    this.#works = works;
    this.#onState(works, works ? '' : messageOf(error));
  }
}

function bytesOf({ body, attributes }: ReadableLogRecord): number {
  let bytes = overheadBytes + (typeof body === 'string' ? Buffer.byteLength(body) : 0);
  for (const name in attributes) {
    const value = attributes[name];
    bytes += Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 8) + 16;
  }
  return bytes;
}
