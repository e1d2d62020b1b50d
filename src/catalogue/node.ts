import type { MetricSpec } from './metric.ts';

const family = (
  name: string,
  type: MetricSpec['type'],
  unit: string,
  labels: readonly string[],
  help: string,
): MetricSpec => ({ name, type, unit, help, labels, scope: 'node' });

/** Identity of the node. */
export const nodeInfoMetrics = {
  info: family(
    'node_info',
    'gauge',
    '',
    ['hostname', 'kernel_version'],
    'Always 1; identifies the host by name and kernel release.',
  ),
  uptime: family('node_uptime_seconds', 'gauge', 's', [], 'Time since the host booted.'),
} as const;

/** Labels of `node_cloud_info`, in the order of the reference. */
export const cloudLabels = [
  'provider',
  'account_id',
  'instance_id',
  'instance_type',
  'instance_life_cycle',
  'region',
  'availability_zone',
  'availability_zone_id',
  'local_ipv4',
  'public_ipv4',
] as const;

export const nodeCloudMetrics = {
  info: family(
    'node_cloud_info',
    'gauge',
    '',
    cloudLabels,
    'Always 1; describes the cloud instance the agent runs on.',
  ),
} as const;

export const nodeCpuMetrics = {
  usage: family(
    'node_resources_cpu_usage_seconds_total',
    'counter',
    's',
    ['mode'],
    'CPU time the host has spent in the given mode, summed over all CPUs.',
  ),
  cores: family('node_resources_cpu_logical_cores', 'gauge', '{cpu}', [], 'Number of logical CPUs online.'),
} as const;

export const nodeMemoryMetrics = {
  total: family(
    'node_resources_memory_total_bytes',
    'gauge',
    'By',
    [],
    'Physical memory installed on the host.',
  ),
  free: family(
    'node_resources_memory_free_bytes',
    'gauge',
    'By',
    [],
    'Physical memory that is not used for anything.',
  ),
  available: family(
    'node_resources_memory_available_bytes',
    'gauge',
    'By',
    [],
    'Kernel estimate of memory that applications could still obtain without swapping.',
  ),
  cached: family(
    'node_resources_memory_cached_bytes',
    'gauge',
    'By',
    [],
    'Physical memory occupied by the page cache.',
  ),
} as const;

const disk = (name: string, unit: string, help: string): MetricSpec =>
  family(`node_resources_disk_${name}_total`, 'counter', unit, ['device'], help);

export const nodeDiskMetrics = {
  reads: disk('reads', '{operation}', 'Completed read requests of the block device.'),
  writes: disk('writes', '{operation}', 'Completed write requests of the block device.'),
  readBytes: disk('read_bytes', 'By', 'Bytes read from the block device.'),
  writtenBytes: disk('written_bytes', 'By', 'Bytes written to the block device.'),
  readSeconds: disk('read_time_seconds', 's', 'Time requests have spent being read, queueing included.'),
  writeSeconds: disk('write_time_seconds', 's', 'Time requests have spent being written, queueing included.'),
  ioSeconds: disk(
    'io_time_seconds',
    's',
    'Wall time during which the device had at least one request in flight.',
  ),
} as const;

const net = (name: string, unit: string, help: string): MetricSpec =>
  family(`node_net_${name}_total`, 'counter', unit, ['interface'], help);

export const nodeNetMetrics = {
  receivedBytes: net('received_bytes', 'By', 'Bytes received by the network interface.'),
  transmittedBytes: net('transmitted_bytes', 'By', 'Bytes sent by the network interface.'),
  receivedPackets: net('received_packets', '{packet}', 'Packets received by the network interface.'),
  transmittedPackets: net('transmitted_packets', '{packet}', 'Packets sent by the network interface.'),
  up: family(
    'node_net_interface_up',
    'gauge',
    '',
    ['interface'],
    '1 while the operational state of the interface is UP, otherwise 0.',
  ),
  ip: family(
    'node_net_interface_ip',
    'gauge',
    '',
    ['interface', 'ip'],
    'Always 1; one series per IP address configured on the interface.',
  ),
} as const;
