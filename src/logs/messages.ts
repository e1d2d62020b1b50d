/** What the agent and its worker for logs say to each other. All of it can be cloned. */
import type { Attributes } from '@opentelemetry/api';
import type { LogExportFigures, LogExportSettings } from '../model/log-export.ts';
import type { Entry } from './attribution.ts';
import type { Position } from './followed.ts';
import type { Level } from './level.ts';

/** Of streams: the label `kind`. */
export const kinds = ['docker', 'cri', 'journald', 'file'] as const;
export type Kind = (typeof kinds)[number];

/** For all streams alike. */
export interface LogSettings {
  /** Whether JSON objects are looked into. */
  readonly json: boolean;
  /** Patterns of a level and source. */
  readonly patternLimit: number;
  /** Messages a second of a container and source that patterns are looked for in; 0 has no limit. */
  readonly extractionLimit: number;
  /** Share of one core that the worker may use; 0 has no limit. */
  readonly cpuBudget: number;
  readonly maxSampleBytes: number;
  readonly masks: boolean;
  /** Where positions are kept; none are without it. */
  readonly stateDirectory?: string | undefined;
  /** Where messages are sent; nowhere without it. */
  readonly exportTo?: LogExportSettings | undefined;
}

/** A file that is to be followed. */
export interface Stream {
  readonly id: string;
  /** Whose messages they are: streams of one group are counted together. */
  readonly group: string;
  readonly kind: Exclude<Kind, 'journald'>;
  /** Where it changes, as the agent sees it. */
  readonly directory: string;
  /** Its name there. */
  readonly name: string;
  /** Where the file system does not tell when a file was made: whether everything of it is new. */
  readonly isNew: boolean;
  /** It was followed before: reading goes on at its end. */
  readonly isAgain: boolean;
  /** A worker before has read and told so far; null: nothing is known, and what it has stored since counts for nothing. */
  readonly readTo?: Position | null | undefined;
  /** Reading goes on at the end nevertheless: what lies between has killed workers. */
  readonly isSkipped?: boolean | undefined;
}

/** An entry of the journal. */
export interface JournalMessage {
  readonly group: string;
  readonly text: string;
  /** What PRIORITY says. */
  readonly level: Level;
  /** When journald got it, milliseconds since the epoch. */
  readonly timeMs: number;
}

/** How far the journal has been read. */
export interface JournalPlace {
  /** Behind what has been read; null where nothing is known. */
  readonly cursor: string | null;
  /** What lies before it and has not been counted, since its container is not known. */
  readonly held: readonly Entry[];
}

export type ToWorker =
  /** What its messages are sent as; said before there are any. */
  | { readonly do: 'describe'; readonly group: string; readonly resource: Attributes }
  | { readonly do: 'follow'; readonly stream: Stream }
  /** It is read to its end first. */
  | { readonly do: 'leave'; readonly stream: string }
  | {
      readonly do: 'take';
      readonly messages: readonly JournalMessage[];
      readonly cursor: string | null;
      /** Where they are others than before. */
      readonly held?: readonly Entry[] | undefined;
    }
  /** Nothing is to be counted for it any more. */
  | { readonly do: 'forget'; readonly group: string }
  | { readonly do: 'opened'; readonly call: number; readonly fd: number }
  | { readonly do: 'count'; readonly call: number }
  | { readonly do: 'close'; readonly call: number };

export type FromWorker =
  /** Messages of the journal were counted. */
  | { readonly say: 'took' }
  /** Where reading the journal goes on, the first that is said; null where nothing is known. */
  | ({ readonly say: 'ready' } & JournalPlace)
  /** Where a stream that is followed was stored to be read on from; null where nothing is known. */
  | { readonly say: 'follows'; readonly stream: string; readonly from: Position | null }
  /** The file of a stream, or another one of its directory, is to be opened: answered by `opened` with a descriptor or the negative errno. */
  | { readonly say: 'open'; readonly call: number; readonly stream: string; readonly name: string }
  /** The worker has a descriptor of its own: this one is not needed any more. */
  | { readonly say: 'reopened'; readonly fd: number }
  /** The stream has been read to its end. */
  | { readonly say: 'left'; readonly stream: string }
  /** `journal`: how many of its messages have been counted, all in all; `call`: 0 where nobody has asked. */
  | {
      readonly say: 'counted';
      readonly call: number;
      readonly counted: Counted;
      readonly journal: number;
    }
  | { readonly say: 'problem'; readonly text: string }
  /** Whether messages can be sent, and why not. */
  | { readonly say: 'exports'; readonly works: boolean; readonly reason: string };

/** A series that has begun. */
export interface Counter {
  readonly id: number;
  readonly group: string;
  readonly level: Level;
  readonly hash: string;
  readonly sample: string;
}

/** What has changed since the last time. */
export interface Counted {
  readonly begun: readonly Counter[];
  /** Id and total of each that has grown. */
  readonly totals: Float64Array;
  readonly figures: Readonly<Record<Kind, KindFigures>>;
  /** What was not counted as it is, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Of messages that are sent; undefined where none are. */
  readonly records?: LogExportFigures | undefined;
  /** Up to where that has been counted, of each stream where it has changed. */
  readonly positions: readonly (readonly [stream: string, position: Position])[];
}

export interface KindFigures {
  lines: number;
  bytes: number;
  lagBytes: number;
  streams: number;
  rotations: number;
  destroyedBytes: number;
}
