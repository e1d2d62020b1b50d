import type { Container } from '../model/containers.ts';
import type { Upstream } from '../model/upstreams.ts';
import { failures } from './reading.ts';
import type { Series } from './series.ts';

/** Where the connections of each container go, and where they were to go. */
export function upstreamsOf(all: Iterable<Series>): Iterable<Upstream> {
  const found = new Map<Container, { container: Container; addresses: Set<string> }>();
  for (const { container, inbound, destination, actual, totals, active } of all) {
    if (inbound || actual === '') continue;
    let upstream = found.get(container);
    if (upstream === undefined) found.set(container, (upstream = { container, addresses: new Set() }));
    if (totals.successful + active > 0) upstream.addresses.add(hostOf(actual));
    if (failures(totals) > 0) upstream.addresses.add(hostOf(destination));
  }
  return found.values();
}

/** Of `ip:port`, without the brackets of IPv6. */
function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}
