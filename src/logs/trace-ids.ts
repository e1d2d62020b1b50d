/** https://www.w3.org/TR/trace-context/#traceparent-header */
const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/i;
const traceId = /^(?:projects\/[^/]{1,64}\/traces\/)?([0-9a-f]{32})$/i;
const spanId = /^([0-9a-f]{16})$/i;

/** Trace id in lower case, also of `projects/P/traces/ID`; undefined for what is none. */
export function traceIdOf(value: unknown): string | undefined {
  return matched(traceId, value)?.[0];
}

export function spanIdOf(value: unknown): string | undefined {
  return matched(spanId, value)?.[0];
}

export function parentOf(value: unknown): { readonly traceId: string; readonly spanId: string } | undefined {
  const ids = matched(traceparent, value);
  return ids && { traceId: ids[0]!, spanId: ids[1]! };
}

/** Groups in lower case; an id of zeros is none. */
function matched(pattern: RegExp, value: unknown): string[] | undefined {
  const match = typeof value === 'string' && value.length <= 128 ? pattern.exec(value) : null;
  const ids = match?.slice(1).map((id) => id.toLowerCase());
  return ids?.every((id) => /[^0]/.test(id)) ? ids : undefined;
}
