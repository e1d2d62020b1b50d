/** Severities of log messages, from the least to the most urgent: the values of the label `level`. */
export const levels = ['unknown', 'debug', 'info', 'warning', 'error', 'critical'] as const;
export type Level = (typeof levels)[number];

/** Those whose messages are told apart by pattern. */
export const hasPatterns: ReadonlySet<Level> = new Set(['warning', 'error', 'critical']);
