import { isIP } from 'node:net';
import type { PublishedPort } from '../../model/containers.ts';

/** Of one container; a range of ports may be published whole. */
const maxPorts = 1024;

/** TCP ports of `NetworkSettings.Ports`: `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "53/udp": null}`. What makes no sense is left out. */
export function publishedPorts(ports: unknown): readonly PublishedPort[] {
  if (typeof ports !== 'object' || ports === null) return [];
  const found = new Map<string, PublishedPort>();
  for (const [inside, bindings] of Object.entries(ports)) {
    if (!inside.endsWith('/tcp') || !Array.isArray(bindings)) continue;
    for (const binding of bindings as readonly unknown[]) {
      if (found.size >= maxPorts) return [...found.values()];
      const published = publishedPort(binding);
      if (published !== undefined) found.set(`${published.address} ${published.port}`, published);
    }
  }
  return [...found.values()];
}

function publishedPort(binding: unknown): PublishedPort | undefined {
  if (typeof binding !== 'object' || binding === null) return undefined;
  const { HostIp, HostPort } = binding as { HostIp?: unknown; HostPort?: unknown };
  // Older ones leave out the address where it is all of IPv4.
  const address = HostIp === undefined || HostIp === '' ? '0.0.0.0' : HostIp;
  const port = typeof HostPort === 'string' && /^\d{1,5}$/.test(HostPort) ? Number(HostPort) : 0;
  if (typeof address !== 'string' || !isAddress(address) || port < 1 || port > 65535) return undefined;
  return { address, port };
}

/** Not with the name of an interface, which may be any text. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}
