import {
  ValueType,
  type Attributes,
  type HrTime,
  type Observable,
  type ObservableCallback,
} from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type Histogram,
  type MetricData,
  type MetricDescriptor,
} from '@opentelemetry/sdk-metrics';
import type { Distribution } from '../catalogue/metric.ts';
import { earlier } from './hr-time.ts';
import { labelsKey, mergeLabels, toLabels } from './labels.ts';

/** `counter` is a monotonic cumulative sum, `sum` one that may fall, `histogram` made of counters. */
export type InstrumentKind = 'gauge' | 'counter' | 'sum' | 'histogram';

/** One collection. A new object each time: its identity tells "in this one" from "earlier". */
export interface Round {
  /** Time of the collection before: a series that is new now began after it. */
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  /** Points that still fit into the snapshot. */
  room: number;
}

/** What became of a sample. */
export type Verdict = 'accepted' | 'duplicate' | 'refused' | 'invalid';

/** What is remembered of a series from one round to the next; a series that misses a round is forgotten. */
interface Series {
  readonly key: string;
  /** The object it was last observed with. Observers do not change it afterwards. */
  source: Attributes;
  /** The constant labels that `labels` was built with. */
  constant: Attributes;
  labels: Attributes;
  startTime: HrTime;
  /** Of a histogram: how many values there are. */
  value: number;
  round: Round;
}

/** Callbacks of single instruments are kept by the meter, which runs them. */
export interface CallbackRegistry {
  add(instrument: Instrument, callback: ObservableCallback): void;
  remove(instrument: Instrument, callback: ObservableCallback): void;
}

/** An observable instrument, the series it has and the points of the running collection. */
export class Instrument implements Observable {
  readonly kind: InstrumentKind;
  readonly descriptor: MetricDescriptor;
  readonly #callbacks: CallbackRegistry;
  readonly #bounds: readonly number[];
  readonly #byObject = new Map<Attributes, Series>();
  readonly #byKey = new Map<string, Series>();
  #constant = noLabels;
  #isShown = true;
  #points: DataPoint<number | Histogram>[] = [];

  constructor(
    kind: InstrumentKind,
    descriptor: Omit<MetricDescriptor, 'valueType'>,
    callbacks: CallbackRegistry,
    bounds: readonly number[] = [],
  ) {
    this.kind = kind;
    this.descriptor = { ...descriptor, valueType: ValueType.DOUBLE };
    this.#callbacks = callbacks;
    this.#bounds = bounds;
  }

  addCallback(callback: ObservableCallback): void {
    this.#callbacks.add(this, callback);
  }

  removeCallback(callback: ObservableCallback): void {
    this.#callbacks.remove(this, callback);
  }

  /**
   * Starts a round; a new `constant` object is merged into the series as they are observed. Without one nothing is shown,
   * and series begin all the same.
   */
  begin(constant: Attributes | undefined): void {
    this.#constant = constant ?? noLabels;
    this.#isShown = constant !== undefined;
    this.#points = [];
  }

  /** Takes one sample into the round. The first sample of a series wins. */
  add(round: Round, observed: number | Distribution, attributes: Attributes): Verdict {
    const shown = this.kind === 'histogram' ? histogramOf(observed, this.#bounds) : numberOf(observed);
    if (shown === undefined) return 'invalid';
    const value = typeof shown === 'number' ? shown : shown.count;
    let series = this.#byObject.get(attributes);
    if (series?.round === round) return 'duplicate';
    if (series === undefined) {
      const found = this.#find(round, attributes);
      if (typeof found === 'string') return found;
      series = found;
    }
    if (round.room <= 0) return 'refused';
    if (series.constant !== this.#constant && !this.#relabel(series)) return 'invalid';
    // A monotonic sum that fell was reset since the last round.
    if ((this.kind === 'counter' || this.kind === 'histogram') && value < series.value)
      series.startTime = round.startTime;
    // The wall clock was set back: a point must not start after its end.
    if (earlier(series.startTime, round.endTime) !== series.startTime) series.startTime = round.startTime;
    series.value = value;
    series.round = round;
    round.room--;
    const { startTime, labels } = series;
    this.#points.push({ startTime, endTime: round.endTime, attributes: labels, value: shown });
    return 'accepted';
  }

  /** Forgets the series that were not observed in this round; says after every few how many it looked at. */
  *forget(round: Round): Generator<number> {
    if (this.#byKey.size === this.#points.length) return;
    let looked = 0;
    for (const series of this.#byKey.values()) {
      if (series.round !== round) {
        this.#byKey.delete(series.key);
        this.#byObject.delete(series.source);
      }
      if (++looked % 100 === 0) yield 100;
    }
  }

  /** Hands over the points of the round, if there are any to be shown. */
  end(round: Round): MetricData | undefined {
    const dataPoints = this.#points;
    this.#points = [];
    if (!this.#isShown) {
      round.room += dataPoints.length;
      return undefined;
    }
    if (dataPoints.length === 0) return undefined;
    const common = {
      descriptor: this.descriptor,
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    };
    if (this.kind === 'histogram')
      return {
        ...common,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: dataPoints as DataPoint<Histogram>[],
      };
    const numbers = dataPoints as DataPoint<number>[];
    return this.kind === 'gauge'
      ? { ...common, dataPointType: DataPointType.GAUGE, dataPoints: numbers }
      : {
          ...common,
          dataPointType: DataPointType.SUM,
          isMonotonic: this.kind === 'counter',
          dataPoints: numbers,
        };
  }

  /** The series of an object not seen before: known by equal labels, or new. */
  #find(round: Round, attributes: Attributes): Series | Verdict {
    const own = toLabels(attributes);
    if (own === undefined) return 'invalid';
    const key = labelsKey(own);
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      if (known.round === round) return 'duplicate';
      this.#byObject.delete(known.source);
      known.source = attributes;
      this.#byObject.set(attributes, known);
      return known;
    }
    if (round.room <= 0) return 'refused';
    const constant = this.#constant;
    const labels = mergeLabels(constant, own);
    if (labels === undefined) return 'invalid';
    const { startTime } = round;
    const series = { key, source: attributes, constant, labels, startTime, value: 0, round: unobserved };
    this.#byKey.set(key, series);
    this.#byObject.set(attributes, series);
    return series;
  }

  #relabel(series: Series): boolean {
    const own = toLabels(series.source);
    const labels = own && mergeLabels(this.#constant, own);
    if (labels === undefined) return false;
    series.labels = labels;
    series.constant = this.#constant;
    return true;
  }
}

function numberOf(observed: number | Distribution): number | undefined {
  return typeof observed === 'number' && Number.isFinite(observed) ? observed : undefined;
}

/** A bucket for each bound and one more, none of them below zero. */
function histogramOf(observed: number | Distribution, boundaries: readonly number[]): Histogram | undefined {
  if (typeof observed === 'number' || !Number.isFinite(observed.sum)) return undefined;
  const { sum, counts } = observed;
  if (counts.length !== boundaries.length + 1 || !counts.every((count) => count >= 0)) return undefined;
  const count = counts.reduce((total, each) => total + each, 0);
  if (!Number.isFinite(count)) return undefined;
  return { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count };
}

const noLabels: Attributes = {};
const unobserved: Round = { startTime: [0, 0], endTime: [0, 0], room: 0 };
