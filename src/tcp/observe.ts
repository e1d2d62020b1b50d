import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import { instruments, observeDistribution, type Distribution } from '../catalogue/metric.ts';
import { tcpInboundMetrics, tcpMetrics, tcpOutboundMetrics, tcpTimeMetrics } from '../catalogue/tcp.ts';
import { failureReasons, failures } from './reading.ts';
import type { Series } from './series.ts';
import type { ContainerTimes } from './times.ts';

const families = { ...tcpMetrics, ...tcpOutboundMetrics, ...tcpInboundMetrics, ...tcpTimeMetrics };

export type TcpInstruments = Readonly<Record<keyof typeof families, Observable>>;

export function tcpInstruments(meter: Meter): TcpInstruments {
  return instruments(meter, families);
}

/** A destination that never answered has no more than its failures. */
export function observeOutbound(result: BatchObservableResult, to: TcpInstruments, series: Series): void {
  const { labels, totals, active } = series;
  const { connection } = labels;
  if (totals.successful > 0) {
    result.observe(to.successful, totals.successful, connection);
    result.observe(to.connectSeconds, totals.connectNs / 1e9, connection);
  }
  // Who cannot count connections may know all the same what they carry.
  if (totals.successful > 0 || totals.bytesSent + totals.bytesReceived > 0) {
    result.observe(to.bytesSent, totals.bytesSent, connection);
    result.observe(to.bytesReceived, totals.bytesReceived, connection);
  }
  if (active > 0) result.observe(to.active, active, connection);
  if (totals.retransmits > 0) result.observe(to.retransmits, totals.retransmits, connection);
  if (totals.synRetransmits > 0) result.observe(to.synRetransmits, totals.synRetransmits, connection);
  if (totals.resets > 0) result.observe(to.resets, totals.resets, connection);
  const failed = failures(totals);
  if (failed > 0) result.observe(to.failed, failed, labels.failure);
  failureReasons.forEach((reason, index) => {
    const count = totals.failed[index]!;
    if (count > 0) result.observe(to.failedByReason, count, labels.reason(reason));
  });
}

export function observeInbound(result: BatchObservableResult, to: TcpInstruments, series: Series): void {
  const { totals, active } = series;
  const { connection } = series.labels;
  if (totals.successful > 0) {
    result.observe(to.accepted, totals.successful, connection);
    result.observe(to.acceptedBytesSent, totals.bytesSent, connection);
    result.observe(to.acceptedBytesReceived, totals.bytesReceived, connection);
  }
  if (active > 0) result.observe(to.acceptedActive, active, connection);
  if (totals.retransmits > 0) result.observe(to.acceptedRetransmits, totals.retransmits, connection);
  if (totals.resets > 0) result.observe(to.acceptedResets, totals.resets, connection);
}

export function observeTimes(
  result: BatchObservableResult,
  to: TcpInstruments,
  { container, connect, roundTrip }: ContainerTimes,
): void {
  const observe = (instrument: Observable, times: Distribution): void => {
    if (times.counts.some((count) => count > 0))
      observeDistribution(result, instrument, times, container.labels);
  };
  observe(to.connectDuration, connect);
  observe(to.roundTrip, roundTrip);
}
