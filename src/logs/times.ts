/** A time as RFC 3339 has it in UTC, up to its seconds. */
const secondsLength = '2006-01-02T15:04:05'.length;
const zero = 48;

/**
 * Reads times as runtimes write them (RFC 3339 with up to nine decimals) into whole milliseconds since the epoch; undefined for anything
 * else. Lines of one second share the work.
 */
export function timeReader(): (text: string) => number | undefined {
  let lastText = '';
  let lastMs: number | undefined;
  return (text) => {
    if (text.length < 20 || text.length > 40 || text.charCodeAt(10) !== 0x54) return undefined;
    if (!text.endsWith('Z')) return whole(text);
    if (!text.startsWith(lastText) || lastText === '') {
      lastText = text.slice(0, secondsLength);
      lastMs = whole(`${lastText}Z`);
    }
    if (lastMs === undefined || text.length === 20) return lastMs;
    if (text[secondsLength] !== '.') return undefined;
    let ms = 0;
    for (let i = 1; i <= 3; i++) {
      const digit = text.charCodeAt(secondsLength + i) - zero;
      ms = ms * 10 + (digit >= 0 && digit <= 9 ? digit : 0);
    }
    return lastMs + ms;
  };
}

function whole(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
