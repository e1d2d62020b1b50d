import type { Attributes, Logger } from '@opentelemetry/api';

/** Where log records are sent, and how. Can be cloned: a thread that sends is told so. */
export interface LogExportSettings {
  readonly protocol: 'grpc' | 'http/protobuf';
  /** With a path; without one the variables `OTEL_EXPORTER_OTLP_*` decide. */
  readonly endpoint?: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM file of authorities trusted besides those of the system. */
  readonly caFile?: string;
  readonly insecureSkipVerify: boolean;
  /** Of all records, under those of their container. */
  readonly resource: Attributes;
}

/** Totals of records, but the last. Whatever was emitted is in one of them. */
export interface LogExportFigures {
  readonly sent: number;
  /** The endpoint does not want them: an answer that is no reason to try again. */
  readonly refused: number;
  /** The endpoint was away for too long. */
  readonly expired: number;
  /** They found no place. */
  readonly overflow: number;
  /** They were there at the end. */
  readonly unsent: number;
  /** They wait, or are on their way. */
  readonly queued: number;
}

/** A way out for log records. Emitting never waits and never fails. */
export interface LogExport {
  /** Logger of what has these attributes of a resource. */
  loggerOf(resource: Attributes): Logger;
  /** Before a record is made, which is dear: whether there is a place for one. One that finds none is counted. */
  hasRoom(): boolean;
  readonly figures: LogExportFigures;
  /** Sends what waits, as far as the time allows; the rest is counted. */
  shutdown(withinMs: number): Promise<void>;
}

export interface LogExportHooks {
  /** First answer, and every change between working and failing. */
  readonly onState: (works: boolean, reason: string) => void;
  readonly onWarning: (text: string) => void;
}
