import { interval } from '../values/duration.ts';
import { endpoint, listenAddress, logsEndpoint } from '../values/network.ts';
import { count, flag, path, rate, sampling, secret, texts } from '../values/scalar.ts';
import type { OptionTable } from './option.ts';

export const output = {
  listen: {
    type: listenAddress,
    default: '0.0.0.0:80',
    help:
      'Address of the Prometheus page. While it is not set, --collector-endpoint or --metrics-endpoint move the ' +
      'default to 127.0.0.1:10300.',
  },
  'collector-endpoint': {
    type: endpoint,
    default: '',
    help: 'OTLP/gRPC endpoint for every signal that has no endpoint of its own; a path is ignored.',
  },
  'metrics-endpoint': {
    type: endpoint,
    default: '',
    help:
      'OTLP/gRPC endpoint for metrics; a path is ignored. Without one, OTEL_EXPORTER_OTLP_ENDPOINT and its kin ' +
      'decide.',
  },
  'traces-endpoint': { type: endpoint, default: '', help: 'OTLP endpoint for traces.', waitsFor: 'traces' },
  'logs-endpoint': {
    type: logsEndpoint,
    default: '',
    help:
      'OTLP/HTTP endpoint for log messages of containers, with its path. Without one, --collector-endpoint, ' +
      'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT or OTEL_LOGS_EXPORTER=otlp sends them; nothing else does.',
  },
  'profiles-endpoint': { type: endpoint, default: '', help: 'Endpoint for profiles.', waitsFor: 'profiles' },
  'api-key': {
    type: secret,
    default: '',
    help: 'Sent with every export as header x-api-key.',
    sensitive: true,
  },
  'ca-file': {
    type: path,
    default: '',
    help: 'PEM file with authorities that exports trust in addition to those of the system.',
  },
  'insecure-skip-verify': {
    type: flag,
    default: 'false',
    help: 'Exports over TLS accept any certificate.',
  },
  'scrape-interval': {
    type: interval,
    default: '15s',
    help: 'Time between two pushes of metrics. OTEL_METRIC_EXPORT_INTERVAL wins.',
  },
  'disable-metric': {
    type: texts,
    default: '',
    help: 'Metric family that is left out everywhere, by its name.',
  },
  'traces-sampling': {
    type: sampling,
    default: '1.0',
    help: 'Share of traces that is kept.',
    waitsFor: 'traces',
  },
  'profiles-prune-fraction': {
    type: rate,
    default: '0.0025',
    help: 'Code paths below this share of a profile are folded into their parents; 0 keeps all.',
    waitsFor: 'profiles',
  },
  'max-label-length': {
    type: count,
    default: '4096',
    help: 'Bytes of the label sample of log patterns.',
  },
} satisfies OptionTable;
