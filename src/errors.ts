/**
 * The one error type of the agent: a stable code, the system call and the path that failed.
 *
 * `UNSUPPORTED` means "this kernel or this container lacks it": the caller switches the feature off once.
 * Every other code is counted, logged on change of state, and leaves its samples absent (never stale).
 */
export class AgentError extends Error {
  readonly code: string;
  readonly syscall: string | undefined;
  readonly path: string | undefined;

  constructor(
    code: string,
    message: string,
    where: { syscall?: string; path?: string; cause?: unknown } = {},
  ) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.name = 'AgentError';
    this.code = code;
    this.syscall = where.syscall;
    this.path = where.path;
  }
}

/** What the kernel or the container does not offer. */
export function unsupported(message: string, cause?: unknown): AgentError {
  return new AgentError('UNSUPPORTED', message, { cause });
}

/** The `code` of any thrown value (`ENOENT`, `EPERM`, `UNSUPPORTED`, ...), or `UNKNOWN`. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
