import { duration } from '../values/duration.ts';
import { coreShare, count, flag, oneOf } from '../values/scalar.ts';
import type { OptionTable } from './option.ts';

/** What looks into the processes of containers and their logs. */
export const workloads = {
  'disable-log-parsing': {
    type: flag,
    default: 'false',
    help: 'Logs of containers are not read.',
    aliases: ['no-parse-logs'],
  },
  'disable-json-log-parsing': {
    type: flag,
    default: 'false',
    help: 'JSON in logs is treated like any text.',
  },
  'log-patterns-per-container': {
    type: count,
    default: '256',
    help: 'Patterns that are told apart for each level and source of logs.',
  },
  'log-pattern-extraction-limit': {
    type: count,
    default: '0',
    help: 'Messages a second of a container that patterns are looked for in; 0 has no limit.',
  },
  'log-cpu-budget': {
    type: coreShare,
    default: '0',
    help: 'CPU that logs may take, as a share of one core, such as 0.05 or 5%: over it messages are counted without their pattern, then log files are read later; 0 has no limit.',
  },
  'log-mask': {
    type: oneOf(['on', 'off']),
    default: 'on',
    help: 'Whether secrets in the label sample of log patterns, and in messages that are sent, are masked.',
  },
  'disable-gpu-monitoring': {
    type: flag,
    default: 'false',
    help: 'GPUs are not observed.',
    waitsFor: 'GPU metrics',
  },
  'instrumentation-delay': {
    type: duration,
    default: '30s',
    help: 'Age at which a process is looked into.',
    waitsFor: 'process instrumentation',
  },
  'enable-java-tls': {
    type: flag,
    default: 'false',
    help: 'TLS of Java processes is followed.',
    waitsFor: 'L7 tracing',
  },
  'enable-java-async-profiler': {
    type: flag,
    default: 'false',
    help: 'Java processes are profiled with async-profiler.',
    waitsFor: 'profiles',
  },
  'java-async-profiler-delay': {
    type: duration,
    default: '30s',
    help: 'Age at which a Java process is profiled.',
    waitsFor: 'profiles',
  },
  'go-heap-profiler': {
    type: oneOf(['disabled', 'enabled', 'force']),
    default: 'enabled',
    help: 'Whether heap profiles are taken of Go processes.',
    waitsFor: 'profiles',
  },
} satisfies OptionTable;
