import type { CloudInstance } from '../model/cloud.ts';
import { AgentError } from '../errors.ts';

/** All that may be sent to a metadata service. `docs/cloud.md` is generated from these. */
export interface MetadataRequest {
  readonly method: 'GET' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What the answer is good for, in the words of the documentation. */
  readonly gives: string;
}

export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Sends a request, with further headers for tokens. Rejects without a whole answer in time; any status is an answer. */
export type Ask = (request: MetadataRequest, headers?: Readonly<Record<string, string>>) => Promise<Answer>;

export type Field = Exclude<keyof CloudInstance, 'provider'>;

/** What a service tells, not yet looked at. */
export interface Found {
  readonly fields: Readonly<Partial<Record<Field, unknown>>>;
  /** The cloud may take the machine away, which `instanceLifeCycle` does not say. */
  readonly isRevocable?: boolean;
}

export type NoticeType =
  | 'spot_interruption'
  | 'rebalance_recommendation'
  | 'preemption'
  | 'preempt'
  | 'terminate'
  | 'reboot'
  | 'redeploy'
  | 'freeze';

/** The machine will be taken away. */
export interface Notice {
  readonly type: NoticeType;
  /** Milliseconds since the epoch; undefined where no time is given. */
  readonly atMs?: number;
  /** From when the notice is first seen, where that is the rule. */
  readonly withinMs?: number;
}

/** One cloud, with what it remembers between two questions, such as a token. */
export interface Provider {
  /** Each request that `read` sends. */
  readonly requests: readonly MetadataRequest[];
  /** Rejects when the service does not answer as it should; then nothing of it is used. */
  read(ask: Ask): Promise<Found>;
  readonly notices?: {
    readonly requests: readonly MetadataRequest[];
    read(ask: Ask): Promise<readonly Notice[]>;
  };
}

/** The body of a good answer; '' where there is no such thing (404). Throws for any other status, redirections too. */
export function bodyOf({ method, url }: MetadataRequest, { status, body }: Answer): string {
  if (status === 404) return '';
  if (status !== 200) throw new AgentError('HTTP', `${method} ${url}: status ${status}`);
  return body.trim();
}

/** A JSON object. AgentError where the text is something else. */
export function objectOf(request: MetadataRequest, answer: Answer): Record<string, unknown> {
  const value = parse(bodyOf(request, answer));
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new AgentError('EBADMSG', `${request.method} ${request.url}: no JSON object`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A value deep in JSON; undefined where the path leads nowhere. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
    value,
  );
}

/** `us-central1-a` -> `us-central1`: without the last part behind a dash. */
export function withoutLastPart(zone: string): string {
  return zone.replace(/-[^-]*$/, '');
}
