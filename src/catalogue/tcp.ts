import type { MetricSpec } from './metric.ts';

const family = (
  name: string,
  type: 'gauge' | 'counter',
  unit: string,
  labels: readonly string[],
  help: string,
): MetricSpec => ({ name: `container_net_tcp_${name}`, type, unit, help, labels, scope: 'container' });

const own = (...args: Parameters<typeof family>): MetricSpec => ({ ...family(...args), own: true });

/** Outbound TCP connections of containers. */
const outbound = ['destination', 'actual_destination'];
export const tcpMetrics = {
  successful: family(
    'successful_connects_total',
    'counter',
    '{connection}',
    outbound,
    'Outbound TCP connections that reached ESTABLISHED.',
  ),
  connectSeconds: family(
    'connection_time_seconds_total',
    'counter',
    's',
    outbound,
    'Time that outbound TCP connections took to reach ESTABLISHED, in all.',
  ),
  failed: family(
    'failed_connects_total',
    'counter',
    '{connection}',
    ['destination'],
    'Outbound TCP connection attempts that ended before ESTABLISHED.',
  ),
  active: family(
    'active_connections',
    'gauge',
    '{connection}',
    outbound,
    'Outbound TCP connections currently open.',
  ),
  retransmits: family(
    'retransmits_total',
    'counter',
    '{segment}',
    outbound,
    'Segments that were sent again on outbound TCP connections, SYNs not among them.',
  ),
  bytesSent: family(
    'bytes_sent_total',
    'counter',
    'By',
    outbound,
    'Payload that was sent on outbound TCP connections.',
  ),
  bytesReceived: family(
    'bytes_received_total',
    'counter',
    'By',
    outbound,
    'Payload that was received on outbound TCP connections.',
  ),
} as const;

/** More of them than the reference has. */
export const tcpOutboundMetrics = {
  failedByReason: own(
    'failed_connects_by_reason_total',
    'counter',
    '{connection}',
    ['destination', 'reason'],
    'Outbound TCP connection attempts that failed, by reason: refused, timeout, unreachable, cancelled, no_port.',
  ),
  synRetransmits: own(
    'syn_retransmits_total',
    'counter',
    '{segment}',
    outbound,
    'SYNs that were sent again by outbound TCP connection attempts; of those that failed actual_destination is the destination.',
  ),
  resets: own(
    'resets_total',
    'counter',
    '{connection}',
    outbound,
    'Outbound TCP connections that the other side ended by a reset.',
  ),
} as const;

/** TCP connections that come in. */
const inbound = ['listen_addr'];
export const tcpInboundMetrics = {
  accepted: own(
    'accepted_connections_total',
    'counter',
    '{connection}',
    inbound,
    'Inbound TCP connections that reached ESTABLISHED.',
  ),
  acceptedActive: own(
    'accepted_active_connections',
    'gauge',
    '{connection}',
    inbound,
    'Inbound TCP connections currently open.',
  ),
  acceptedBytesSent: own(
    'accepted_bytes_sent_total',
    'counter',
    'By',
    inbound,
    'Payload that was sent on inbound TCP connections.',
  ),
  acceptedBytesReceived: own(
    'accepted_bytes_received_total',
    'counter',
    'By',
    inbound,
    'Payload that was received on inbound TCP connections.',
  ),
  acceptedRetransmits: own(
    'accepted_retransmits_total',
    'counter',
    '{segment}',
    inbound,
    'Segments that were sent again on inbound TCP connections.',
  ),
  acceptedResets: own(
    'accepted_resets_total',
    'counter',
    '{connection}',
    inbound,
    'Inbound TCP connections that the other side ended by a reset.',
  ),
} as const;

/** What the programs in the kernel sort times into, seconds. */
export const tcpTimeBounds: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const times = (name: string, help: string): MetricSpec => ({
  name: `container_net_tcp_${name}`,
  type: 'histogram',
  unit: 's',
  help,
  labels: [],
  scope: 'container',
  bounds: tcpTimeBounds,
  own: true,
});

/** Distributions over all outbound TCP connections of a container. */
export const tcpTimeMetrics = {
  connectDuration: times(
    'connect_duration_seconds',
    'How long outbound TCP connections took to reach ESTABLISHED.',
  ),
  roundTrip: times(
    'rtt_seconds',
    'Smoothed round-trip time of outbound TCP connections, as the kernel knew it when they ended.',
  ),
} as const;
