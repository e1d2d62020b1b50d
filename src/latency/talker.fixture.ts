import type { Container, ListedContainer } from '../model/containers.ts';
import type { Space, Talker } from './plan.ts';

export function container(id: string, more: Partial<Container> = {}): ListedContainer {
  const cgroups = [{ id: 1, path: id }];
  return {
    id,
    labels: { container_id: id, app_id: '' },
    visible: true,
    cgroups,
    topCgroups: cgroups,
    activity: { runs: 0 },
    wasThere: false,
    ...more,
  };
}

/** `count` addresses of 10.`network`.0.0/16. */
export function talker(id: string, count: number, network = 0): Talker {
  const addresses = Array.from({ length: count }, (_, i) => `10.${network}.${i >> 8}.${i & 255}`);
  return { container: container(id), addresses };
}

export function space(inode: number, ...talkers: readonly Talker[]): Space {
  return { inode, path: `/proc/${inode}/ns/net`, talkers };
}
