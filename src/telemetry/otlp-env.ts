type Environment = Readonly<Record<string, string | undefined>>;

/** Which ways out are on. */
export interface Exporters {
  readonly otlp: boolean;
  readonly prometheus: boolean;
  /** Names that mean nothing here. */
  readonly unknown: readonly string[];
}

/** `OTEL_METRICS_EXPORTER`: names separated by commas, `none` for none; both when unset or blank. */
export function exportersOf(environment: Environment = process.env): Exporters {
  const text = environment['OTEL_METRICS_EXPORTER']?.trim() || 'otlp,prometheus';
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  return {
    otlp: names.includes('otlp'),
    prometheus: names.includes('prometheus'),
    unknown: names.filter((name) => !['', 'none', 'otlp', 'prometheus'].includes(name)),
  };
}

/** `OTEL_EXPORTER_OTLP_METRICS_<name>`, else `OTEL_EXPORTER_OTLP_<name>`; blank counts as unset. */
export function otlpVariable(name: string, environment: Environment = process.env): string | undefined {
  const own = environment[`OTEL_EXPORTER_OTLP_METRICS_${name}`]?.trim();
  return own || environment[`OTEL_EXPORTER_OTLP_${name}`]?.trim() || undefined;
}

/** A number of milliseconds above 0 (at most what a timer can wait), or undefined when unset or not one. */
export function millisecondsOf(text: string | undefined): number | undefined {
  const ms = Number(text?.trim() || Number.NaN);
  return ms > 0 && ms <= 2 ** 31 - 1 ? ms : undefined;
}
