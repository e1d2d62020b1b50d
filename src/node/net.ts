import type { Attributes, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { nodeNetMetrics } from '../catalogue/node.ts';
import type { Collector } from '../collector.ts';
import { unsupported } from '../errors.ts';
import type { Features } from '../features.ts';
import { RTM_GETADDR, RTM_GETLINK } from '../host/rtnetlink.ts';
import type { HostView } from '../host/view.ts';
import type { Addon } from '../native/addon.ts';
import type { Interface } from './interfaces.ts';
import { decodeInterfaces } from './netlink.ts';
import { readInterfaces } from './procnet.ts';

const dumpTimeoutMs = 1000;

const notHosts = unsupported('interfaces are those of our own network namespace');

/** Reads the interfaces of the host that are shown. */
export type InterfaceSource = () => Promise<readonly Interface[]>;

/**
 * By rtnetlink in the host's network namespace; without the addon, or where the namespace may not be entered, what our own
 * namespace shows. The feature `node_net` says which.
 */
export function interfaceSource(
  view: HostView,
  addon: Addon | undefined,
  features: Features,
): InterfaceSource {
  const { netNamespace, paths } = view;
  return async () => {
    if (addon === undefined) {
      features.set('node_net', true, 'no_addon', 'interfaces are those of our own network namespace');
      return readInterfaces(paths);
    }
    try {
      const [links, addresses] = await Promise.all([
        addon.netlinkDump(netNamespace, RTM_GETLINK, dumpTimeoutMs),
        addon.netlinkDump(netNamespace, RTM_GETADDR, dumpTimeoutMs),
      ]);
      if (netNamespace !== null || view.sharesNetwork) features.set('node_net', true);
      else features.lessen('node_net', notHosts, 'own_view');
      return decodeInterfaces(links, addresses);
    } catch (error) {
      features.lessen('node_net', error, 'no_netlink');
      return readInterfaces(paths);
    }
  };
}

interface LabelSet {
  readonly device: Attributes;
  readonly addresses: Map<string, Attributes>;
}

/** Traffic, state and addresses of the node's interfaces. */
export function netCollector(meter: Meter, read: InterfaceSource): Collector {
  const metrics = instruments(meter, nodeNetMetrics);
  let known = new Map<string, LabelSet>();
  return {
    name: 'node_net',
    instruments: Object.values(metrics),
    async collect(result) {
      const present = new Map<string, LabelSet>();
      for (const { name, up, addresses, ...counters } of await read()) {
        const before = known.get(name);
        const device = before?.device ?? { interface: name };
        const labels = { device, addresses: new Map<string, Attributes>() };
        present.set(name, labels);
        result.observe(metrics.receivedBytes, counters.receivedBytes, device);
        result.observe(metrics.transmittedBytes, counters.transmittedBytes, device);
        result.observe(metrics.receivedPackets, counters.receivedPackets, device);
        result.observe(metrics.transmittedPackets, counters.transmittedPackets, device);
        if (up !== undefined) result.observe(metrics.up, up ? 1 : 0, device);
        for (const ip of new Set(addresses.map((address) => address.ip))) {
          const label = before?.addresses.get(ip) ?? { interface: name, ip };
          labels.addresses.set(ip, label);
          result.observe(metrics.ip, 1, label);
        }
      }
      known = present;
    },
  };
}
