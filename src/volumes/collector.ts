import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { containerDiskMetrics, containerSpaceMetrics } from '../catalogue/volumes.ts';
import type { Collector } from '../collector.ts';
import { turns } from '../turns.ts';
import type { IoByDevice } from './io.ts';
import type { IoReadings } from './io-readings.ts';
import type { VolumeModel } from './model.ts';
import type { Volume } from './volumes.ts';

/**
 * Space of the volumes of containers, and what they read from the disks below and write to them. Once a container has ended
 * the counters stay as they were read last, and the gauges go.
 */
export function volumesCollector(meter: Meter, model: VolumeModel, io: IoReadings): Collector {
  const space = instruments(meter, containerSpaceMetrics);
  const disk = instruments(meter, containerDiskMetrics);

  const observe = (result: BatchObservableResult, volume: Volume, figures: IoByDevice): void => {
    const { labels, names, mount } = volume;
    if (volume.space !== undefined) {
      result.observe(space.size, volume.space.sizeBytes, labels);
      result.observe(space.used, volume.space.usedBytes, labels);
      result.observe(space.reserved, volume.space.reservedBytes, labels);
    }
    // The kernel counts by disk, not by partition.
    const own = figures.get(mount.device) ?? (names.disk && figures.get(names.disk));
    if (!own) return;
    result.observe(disk.reads, own.reads, labels);
    result.observe(disk.writes, own.writes, labels);
    result.observe(disk.readBytes, own.readBytes, labels);
    result.observe(disk.writtenBytes, own.writtenBytes, labels);
  };

  return {
    name: 'container_volumes',
    instruments: [space, disk].flatMap((made) => Object.values(made)),
    async collect(result) {
      await model.update();
      const all = [...model.volumes()];
      await io.update(all.map(([container]) => container));
      const turn = turns();
      for (const [container, volumes] of all) {
        await turn();
        if (!container.visible) continue;
        const figures = io.of(container);
        // Of several at one mount point one lies on top, whichever was seen first.
        const shown = new Map<string, Volume>();
        for (const volume of volumes.all()) {
          const key = `${volume.names.device} ${volume.mount.mountPoint}`;
          if (!volume.covered || !shown.has(key)) shown.set(key, volume);
        }
        for (const volume of shown.values()) observe(result, volume, figures);
      }
    },
  };
}
