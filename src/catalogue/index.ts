import {
  agentMetrics,
  containerModelMetrics,
  featureMetrics,
  kernelMetrics,
  pipelineMetrics,
  processMetrics,
} from './agent.ts';
import { cloudNoticeMetrics } from './cloud.ts';
import { containerApplicationMetrics, containerInfoMetrics, containerRestartMetrics } from './containers.ts';
import { containerListenMetrics, listenModelMetrics, nodeListenMetrics } from './listens.ts';
import { latencyMetrics, pingMetrics } from './latency.ts';
import { containerLogMetrics, logReadingMetrics } from './logs.ts';
import type { MetricSpec } from './metric.ts';
import {
  nodeCloudMetrics,
  nodeCpuMetrics,
  nodeDiskMetrics,
  nodeInfoMetrics,
  nodeMemoryMetrics,
  nodeNetMetrics,
} from './node.ts';
import { containerOomMetrics } from './oom.ts';
import {
  containerCpuMetrics,
  containerDelayMetrics,
  containerMemoryMetrics,
  containerPressureMetrics,
} from './resources.ts';
import { tcpInboundMetrics, tcpMetrics, tcpOutboundMetrics, tcpTimeMetrics } from './tcp.ts';
import { containerDiskMetrics, containerSpaceMetrics } from './volumes.ts';

const tables: readonly Record<string, MetricSpec>[] = [
  agentMetrics,
  nodeInfoMetrics,
  nodeCloudMetrics,
  cloudNoticeMetrics,
  nodeCpuMetrics,
  nodeMemoryMetrics,
  nodeDiskMetrics,
  nodeNetMetrics,
  containerInfoMetrics,
  containerRestartMetrics,
  containerApplicationMetrics,
  containerCpuMetrics,
  containerMemoryMetrics,
  containerPressureMetrics,
  containerDelayMetrics,
  containerSpaceMetrics,
  containerDiskMetrics,
  containerOomMetrics,
  containerLogMetrics,
  tcpMetrics,
  tcpOutboundMetrics,
  tcpInboundMetrics,
  tcpTimeMetrics,
  containerListenMetrics,
  nodeListenMetrics,
  latencyMetrics,
  pipelineMetrics,
  processMetrics,
  featureMetrics,
  kernelMetrics,
  containerModelMetrics,
  listenModelMetrics,
  pingMetrics,
  logReadingMetrics,
];

/** Every family the agent can emit, by name. */
export const catalogue: ReadonlyMap<string, MetricSpec> = new Map(
  tables.flatMap((table) => Object.values(table)).map((spec) => [spec.name, spec]),
);
