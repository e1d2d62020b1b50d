/** Reporter of node:test that writes one line of JSON for each test: `{file, name, outcome, reason?, error?, ms}`. */
import { relative } from 'node:path';

export type Outcome = 'passed' | 'failed' | 'skipped';

export interface TestResult {
  readonly file: string;
  /** Names of the enclosing tests and its own, joined by ` > `, as `TestContext.fullName` has it. */
  readonly name: string;
  readonly outcome: Outcome;
  /** Why it was skipped. */
  readonly reason?: string;
  /** What a failed test said, at most 2,000 characters. */
  readonly error?: string;
  readonly ms: number;
}

interface Failure extends Error {
  /** Of the process, where the test is a whole file. */
  readonly exitCode?: number | null;
  readonly signal?: string | null;
}

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly nesting: number;
    readonly file?: string;
    readonly skip?: string | boolean;
    readonly details?: { readonly duration_ms?: number; readonly error?: Failure };
  };
}

// eslint-disable-next-line import-x/no-default-export -- node:test takes reporters so
export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') names[data.nesting] = data.name;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const skipped = data.skip !== undefined && data.skip !== false;
    const result: TestResult = {
      file: relative('.', data.file ?? ''),
      name: [...names.slice(0, data.nesting), data.name].join(' > '),
      outcome: type === 'test:fail' ? 'failed' : skipped ? 'skipped' : 'passed',
      ...(skipped && { reason: String(data.skip) }),
      ...(type === 'test:fail' && { error: said(data.details?.error) }),
      ms: Math.round(data.details?.duration_ms ?? 0),
    };
    yield `${JSON.stringify(result)}\n`;
  }
}

/** The message of what a test threw, which node:test wraps, and where it was thrown; how a whole file ended that died. */
function said(error: Failure | undefined): string {
  const cause: unknown = error?.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const { exitCode, signal } = error ?? {};
  const end = exitCode === undefined ? '' : `\nexit code ${exitCode}, signal ${signal}`;
  return (text + end).slice(0, 2000);
}
