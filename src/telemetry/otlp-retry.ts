/** Answers of HTTP to which a batch is sent again, and codes of gRPC: https://opentelemetry.io/docs/specs/otlp/#failures */
const retryableStatus: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const retryableCodes: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);
const resourceExhausted = 8;

/** Whether what failed so may be sent again. What is no answer of an endpoint says nothing about the batch. */
export function isRetryable(error: unknown): boolean {
  const { code, metadata } = error as { code?: unknown; metadata?: { get(name: string): unknown[] } };
  if (typeof code !== 'number') return true;
  if (code >= 100) return retryableStatus.has(code);
  // With details, such as RetryInfo, it is a moment's want; without, the request is too large.
  if (code === resourceExhausted) return (metadata?.get('grpc-status-details-bin').length ?? 0) > 0;
  return retryableCodes.has(code);
}
