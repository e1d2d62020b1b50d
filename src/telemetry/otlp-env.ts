type Environment = Readonly<Record<string, string | undefined>>;
export type Signal = 'METRICS' | 'LOGS';

/** `OTEL_EXPORTER_OTLP_<signal>_<name>`, else `OTEL_EXPORTER_OTLP_<name>`; blank counts as unset. */
export function otlpVariable(
  name: string,
  signal: Signal = 'METRICS',
  environment: Environment = process.env,
): string | undefined {
  const own = environment[`OTEL_EXPORTER_OTLP_${signal}_${name}`]?.trim();
  return own || environment[`OTEL_EXPORTER_OTLP_${name}`]?.trim() || undefined;
}

/** A number of milliseconds above 0 (at most what a timer can wait), or undefined when unset or not one. */
export function millisecondsOf(text: string | undefined): number | undefined {
  const ms = Number(text?.trim() || Number.NaN);
  return ms > 0 && ms <= 2 ** 31 - 1 ? ms : undefined;
}
