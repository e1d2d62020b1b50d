import type { MetricSpec } from './metric.ts';

const family = (name: string, type: MetricSpec['type'], unit: string, help: string): MetricSpec => ({
  name: `container_resources_disk_${name}`,
  type,
  unit,
  help,
  labels: ['mount_point', 'device', 'volume'],
  scope: 'container',
});

/** Space of the file systems that containers write to. */
export const containerSpaceMetrics = {
  size: family('size_bytes', 'gauge', 'By', 'Size of the file system of the volume.'),
  used: family('used_bytes', 'gauge', 'By', 'Space in use on the file system of the volume.'),
  reserved: family(
    'reserved_bytes',
    'gauge',
    'By',
    'Free space on the file system of the volume that only root may use.',
  ),
} as const;

/** What containers read from the disks of their volumes and write to them. */
export const containerDiskMetrics = {
  reads: family(
    'reads_total',
    'counter',
    '{request}',
    'Read requests of the container to the disk of the volume; the same for all volumes on it.',
  ),
  writes: family(
    'writes_total',
    'counter',
    '{request}',
    'Write requests of the container to the disk of the volume; the same for all volumes on it.',
  ),
  readBytes: family(
    'read_bytes_total',
    'counter',
    'By',
    'Bytes that the container has read from the disk of the volume; the same for all volumes on it.',
  ),
  writtenBytes: family(
    'written_bytes_total',
    'counter',
    'By',
    'Bytes that the container has written to the disk of the volume; the same for all volumes on it.',
  ),
} as const;
