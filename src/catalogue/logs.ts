import type { MetricSpec } from './metric.ts';

/** What containers log. */
export const containerLogMetrics = {
  messages: {
    name: 'container_log_messages_total',
    type: 'counter',
    unit: '{message}',
    help: 'Log messages by severity and recurring pattern. `source` is stdout/stderr, journald or the path of a file; `level` is unknown, debug, info, warning, error or critical. The last three are told apart by pattern: `pattern_hash` is the MD5 of its words, `sample` the first message of it, its secrets masked.',
    labels: ['level', 'pattern_hash', 'sample', 'source'],
    scope: 'container',
  },
} as const satisfies Record<string, MetricSpec>;

/** How the logs of containers are read. */
export const logReadingMetrics = {
  lines: {
    name: 'node_agent_logs_lines_total',
    type: 'counter',
    unit: '{line}',
    help: 'Lines, and entries of the journal, that were read, by `kind` of stream: docker, cri, journald or file.',
    labels: ['kind'],
    scope: 'bare',
  },
  bytes: {
    name: 'node_agent_logs_read_bytes_total',
    type: 'counter',
    unit: 'By',
    help: 'Bytes of log files and of messages in the journal that were read, by `kind` of stream.',
    labels: ['kind'],
    scope: 'bare',
  },
  lag: {
    name: 'node_agent_logs_lag_bytes',
    type: 'gauge',
    unit: 'By',
    help: 'Bytes that are in log files and were not read yet, by `kind` of stream.',
    labels: ['kind'],
    scope: 'bare',
  },
  streams: {
    name: 'node_agent_logs_streams',
    type: 'gauge',
    unit: '{stream}',
    help: 'Log files that are followed, by `kind` of stream.',
    labels: ['kind'],
    scope: 'bare',
  },
  rotations: {
    name: 'node_agent_logs_rotations_total',
    type: 'counter',
    unit: '{rotation}',
    help: 'Log files that another one came in place of, by `kind` of stream.',
    labels: ['kind'],
    scope: 'bare',
  },
  destroyed: {
    name: 'node_agent_logs_destroyed_bytes_total',
    type: 'counter',
    unit: 'By',
    help: 'Bytes that were gone before they were read, as when a file is copied and truncated, by `kind` of stream.',
    labels: ['kind'],
    scope: 'bare',
  },
  refused: {
    name: 'node_agent_logs_refused_total',
    type: 'counter',
    unit: '1',
    help: 'What was not counted as it is, by `reason`: undecodable or cut (lines), pattern (messages beyond the patterns that are told apart), stream (files beyond those that are followed, and what is no regular file), failed (files that could not be opened or read), unattributed (entries of the journal that are of no container), dropped (entries that came faster than they were taken).',
    labels: ['reason'],
    scope: 'bare',
  },
  records: {
    name: 'node_agent_logs_records_total',
    type: 'counter',
    unit: '{record}',
    help: 'Messages that are sent over OTLP, by `outcome`: sent, refused (the endpoint does not want them), expired (it was away for longer than five minutes), overflow (the queue was full), unsent (left at the end). Only where they are sent.',
    labels: ['outcome'],
    scope: 'bare',
  },
  recordsQueued: {
    name: 'node_agent_logs_queued_records',
    type: 'gauge',
    unit: '{record}',
    help: 'Messages that wait to be sent over OTLP, or are on their way. Only where they are sent.',
    labels: [],
    scope: 'bare',
  },
} as const satisfies Record<string, MetricSpec>;
