/** Bytes of the character that begins at `at`, in UTF-8 (RFC 3629): four for a pair of surrogates, three for half of one (as U+FFFD). */
export function widthAt(text: string, at: number): 1 | 2 | 3 | 4 {
  const code = text.charCodeAt(at);
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code >= 0xd800 && code < 0xdc00 && isLow(text.charCodeAt(at + 1)) ? 4 : 3;
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}

/** How many UTF-16 codes of `text` fit into `maxBytes` of UTF-8, whole characters only. */
export function fitting(text: string, maxBytes: number): number {
  const { length } = text;
  if (length * 3 <= maxBytes) return length;
  let at = 0;
  for (const most = Math.min(length, maxBytes); at < most && text.charCodeAt(at) < 0x80;) at++;
  for (let bytes = at; at < length;) {
    const width = widthAt(text, at);
    bytes += width;
    if (bytes > maxBytes) return at;
    at += width === 4 ? 2 : 1;
  }
  return at;
}

/** The beginning of `text` that fits into `maxBytes` of UTF-8. */
export function cut(text: string, maxBytes: number): string {
  const end = fitting(text, maxBytes);
  return end === text.length ? text : text.slice(0, end);
}

/** A string of its own: parts of a string keep the whole of it in memory. */
export function copied(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
