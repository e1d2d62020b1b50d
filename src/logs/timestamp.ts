import { widthAt } from './utf8.ts';

const maxBytes = 100;

/**
 * Whether the first hundred bytes have a time of day: three groups of two digits with colons between. As the reference reads them:
 * of a longer run only what is left over by threes counts, and what is between two colons and shorter does no harm.
 */
export function hasTimestamp(line: string): boolean {
  let digits = 0;
  let groups = 0;
  let bytes = 0;
  for (let at = 0; at < line.length && bytes < maxBytes; at++) {
    const code = line.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      digits = digits === 2 ? 0 : digits + 1;
      if (digits === 2 && groups === 2) return true;
      bytes++;
    } else if (code === 58) {
      if (digits === 2) groups++;
      digits = 0;
      bytes++;
    } else {
      digits = groups = 0;
      if (code < 0x80) bytes++;
      else {
        const width = widthAt(line, at);
        if (width === 4) at++;
        bytes += width;
      }
    }
  }
  return false;
}
