/** The containers of one test file, and every way in which a client reaches a server. */
import { after, afterEach, before } from 'node:test';
import { compileLoad, skip as skipHere, type Load } from './machine.ts';
import { endServers, makeContainers, port, published, type Container, type Network } from './containers.ts';
import { nftCommand, withoutNft } from './nat-network.ts';

/** A sentence when there are none here. */
export const skip: string | false = skipHere || withoutNft();
export const connects = Number(process.env['TRUTH_CONNECTS'] ?? 20_000);
/** Of each kind; fewer where the machine is slow. */
const count = connects < 5000 ? 4 : 8;

export interface Both {
  readonly network: Network;
  readonly clients: readonly Container[];
  readonly servers: readonly Container[];
  /** Of the cgroups of all. */
  readonly ids: readonly number[];
  /** The load generator in the network namespace and the cgroup of a client. */
  run(client: Container): Pick<Load, 'run' | 'start'>;
}

/** Makes them before the first test of the file; where its tests skip, nothing is made. They go after the last. */
export function ownContainers(): Both {
  const both: { -readonly [field in keyof Both]?: Both[field] } = {};
  let load: Load | undefined;
  before(() => {
    if (skip !== false) return;
    const made = (load = compileLoad());
    const network = (both.network = makeContainers(2 * count, nftCommand()));
    both.clients = network.containers.slice(0, count);
    both.servers = network.containers.slice(count);
    both.ids = network.containers.map(({ cgroup }) => cgroup.id);
    both.run = ({ inside, cgroup }) => {
      const { run, start } = made.inside(inside);
      return {
        run: (...args) => run('-c', cgroup.directory, ...args),
        start: (...args) => start('-c', cgroup.directory, ...args),
      };
    };
  });
  afterEach(endServers);
  after(() => {
    load?.close();
    both.network?.remove();
  });
  return both as Both;
}

export interface Way {
  /** To connect to, and as it is shown; of the server itself. */
  readonly address: string;
  readonly port: number;
  readonly to: string;
  readonly own: string;
}

/** IPv4, IPv6 and IPv4 of an IPv6 socket, each to the server itself and by its published port. */
function waysTo({ ipv4, ipv6, publishedPort }: Container): readonly Way[] {
  const own = `${ipv4}:${port}`;
  const own6 = `[${ipv6}]:${port}`;
  const to = `${published.ipv4}:${publishedPort}`;
  return [
    { address: ipv4, port, to: own, own },
    { address: ipv6, port, to: own6, own: own6 },
    { address: `::ffff:${ipv4}`, port, to: own, own },
    { address: published.ipv4, port: publishedPort, to: `${to} -> ${own}`, own },
    {
      address: published.ipv6,
      port: publishedPort,
      to: `[${published.ipv6}]:${publishedPort} -> ${own6}`,
      own: own6,
    },
    { address: `::ffff:${published.ipv4}`, port: publishedPort, to: `${to} -> ${own}`, own },
  ];
}

/** How many pairs a client has. */
export const waysOfEach = 6;

export interface Pair {
  readonly client: Container;
  readonly server: Container;
  readonly way: Way;
}

/** Every client goes every way, to one server after the other. */
export function* pairs({ clients, servers }: Both): Generator<Pair> {
  for (const [c, client] of clients.entries())
    for (let w = 0; w < waysOfEach; w++) {
      const server = servers[(c + w) % servers.length]!;
      yield { client, server, way: waysTo(server)[w]! };
    }
}

export function addTo(sums: Map<string, number>, key: string, more: number): void {
  sums.set(key, (sums.get(key) ?? 0) + more);
}
