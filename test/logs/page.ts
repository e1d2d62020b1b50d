import { page, seriesOf } from '../peers/peer.ts';

/** A series of `container_log_messages_total`. */
export interface LogSeries {
  readonly source: string;
  readonly level: string;
  readonly hash: string;
  /** As the page has it: backslashes, quotes and newlines are escaped. */
  readonly sample: string;
  readonly messages: number;
}

/** Those of one container, as the page of the agent has them now. */
export async function messagesOf(url: string, id: string): Promise<LogSeries[]> {
  const text = (await page(`${url}/metrics`)) ?? '';
  const found: LogSeries[] = [];
  for (const [key, messages] of seriesOf(text)) {
    if (!key.startsWith('container_log_messages_total{') || !key.includes(`container_id="${id}"`)) continue;
    const label = (name: string): string =>
      new RegExp(`[{,]${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(key)?.[1] ?? '';
    found.push({
      source: label('source'),
      level: label('level'),
      hash: label('pattern_hash'),
      sample: label('sample'),
      messages,
    });
  }
  return found;
}

export const total = (series: readonly LogSeries[]): number =>
  series.reduce((sum, { messages }) => sum + messages, 0);

export function byLevel(series: readonly LogSeries[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { level, messages } of series) sums[level] = (sums[level] ?? 0) + messages;
  return sums;
}

/** The total once it is reached, or has stopped growing. */
export async function settled(url: string, id: string, expected: number): Promise<LogSeries[]> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const series = await messagesOf(url, id);
    if (total(series) >= expected || Date.now() > deadline) return series;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
