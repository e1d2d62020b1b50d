/** What agents have pushed of the logs that they read. */
import type { ReceivedRequest } from '../../src/telemetry/otlp.fixture.ts';

/** Whether an agent has said that it reads a file: of one that is older than itself it counts what comes from then on. */
export function follows(requests: readonly ReceivedRequest[]): boolean {
  return requests.some(({ points }) =>
    points.some(({ name, value }) => name === 'node_agent_logs_streams' && value > 0),
  );
}

/** Messages of a container as they were sent last, by level and hash of the pattern. */
export function sentOf(requests: readonly ReceivedRequest[], id: string): Map<string, number> {
  const sent = new Map<string, number>();
  for (const { points } of requests)
    for (const { name, labels, value } of points)
      if (name === 'container_log_messages_total' && labels['container_id'] === id)
        sent.set(`${labels['level']} ${labels['pattern_hash']}`, value);
  return sent;
}

export const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((all, one) => all + one, 0);
