/**
 * Containers that connect to each other through a router, as of docker: each has a network namespace and a cgroup of its own,
 * and its port is published on an address of the router, which translates.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { compileC } from '../compile.ts';
import { makeCgroup, type Cgroup } from './machine.ts';
import { byOwnAddress } from './nat-network.ts';

export const port = 9000;
/** Where a server is reached through the router is this port, and those after it. */
const firstPublished = 8001;
export const published = { ipv4: '10.97.0.1', ipv6: 'fd97::1' };

export interface Container {
  readonly cgroup: Cgroup;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly publishedPort: number;
  /** To be put before a command that runs in its network namespace. */
  readonly inside: readonly string[];
  /** Of a process that does nothing there. */
  readonly pid: number;
}

export interface Network {
  /** Path of its namespace. */
  readonly router: string;
  readonly containers: readonly Container[];
  remove(): void;
}

const nameOf = (what: string | number): string => `ct-${process.pid}-${what}`;
const pathOf = (name: string): string => `/run/netns/${name}`;

function batch(name: string, lines: readonly string[]): void {
  execFileSync('ip', ['-n', name, '-batch', '-'], { input: lines.join('\n') });
}

/** `nft`: how to call it. */
export function makeContainers(count: number, nft: string): Network {
  const router = nameOf('router');
  const containers = Array.from({ length: count }, (_, i) => {
    const name = nameOf(i);
    return {
      name,
      cgroup: makeCgroup(`/system.slice/${name}.service`),
      ipv4: `10.94.${i}.2`,
      ipv6: `fd94:${i}::2`,
      publishedPort: firstPublished + i,
      inside: ['nsenter', `--net=${pathOf(name)}`],
      pid: 0,
    };
  });
  const names = [router, ...containers.map((each) => each.name)];
  execFileSync('ip', ['-batch', '-'], { input: names.map((name) => `netns add ${name}\n`).join('') });
  batch(router, [
    'link set lo up',
    `addr add ${published.ipv4}/32 dev lo`,
    `addr add ${published.ipv6}/128 dev lo nodad`,
    ...containers.flatMap(({ name }, i) => [
      `link add c${i} type veth peer name eth0 netns ${name}`,
      `addr add 10.94.${i}.1/24 dev c${i}`,
      `addr add fd94:${i}::1/64 dev c${i} nodad`,
      `link set c${i} up`,
    ]),
  ]);
  for (const [i, { name, ipv4, ipv6 }] of containers.entries())
    batch(name, [
      'link set lo up',
      `addr add ${ipv4}/24 dev eth0`,
      `addr add ${ipv6}/64 dev eth0 nodad`,
      'link set eth0 up',
      `route add default via 10.94.${i}.1`,
      `route add ::/0 via fd94:${i}::1`,
    ]);
  const script = `
    echo 1 > /proc/sys/net/ipv4/ip_forward
    echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
    exec "$0" -f -`;
  const [command = '', ...args] = ['nsenter', `--net=${pathOf(router)}`, 'sh', '-ec', script, nft];
  execFileSync(command, args, { input: rulesOf(containers) });
  const idle = containers.map((each) =>
    spawn(each.inside[0]!, [...each.inside.slice(1), 'sleep', 'infinity'], { stdio: 'ignore' }),
  );
  for (const [i, each] of containers.entries()) each.pid = idle[i]!.pid!;
  return {
    router: pathOf(router),
    containers,
    remove: () => {
      for (const child of idle) child.kill('SIGKILL');
      for (const name of names) spawnSync('ip', ['netns', 'del', name]);
      for (const { cgroup } of containers) cgroup.remove();
    },
  };
}

function rulesOf(containers: readonly Container[]): string {
  const to = (family: string, address: string, own: (container: Container) => string): string => {
    const map = containers.map((each) => `${each.publishedPort} : ${own(each)} . ${port}`).join(', ');
    return `${family} daddr ${address} dnat ${family} to tcp dport map { ${map} }`;
  };
  return `table inet nat {
    chain prerouting {
      type nat hook prerouting priority -100;
      ${to('ip', published.ipv4, ({ ipv4 }) => ipv4)}
      ${to('ip6', published.ipv6, ({ ipv6 }) => ipv6)}
    }
  }`;
}

export interface Serving {
  /** Ends it. Connections by own address, as it accepted them. */
  end(): Promise<Map<string, number>>;
  kill(): void;
}

const servers = new Set<ChildProcess>();

/** Those that nobody ended. */
export async function endServers(): Promise<void> {
  for (const server of servers) server.kill('SIGKILL');
  await Promise.all([...servers].map((server) => once(server, 'exit')));
}

/** `keeps`: what it has accepted stays open until it ends. */
export async function serve({ cgroup, inside }: Container, keeps = false): Promise<Serving> {
  const program = compileC(join(import.meta.dirname, 'nat.c'));
  const args = ['-c', cgroup.directory, keeps ? 'keep' : 'serve', String(port)];
  const [command = '', ...more] = [...inside, program, ...args];
  const child: ChildProcess = spawn(command, more, { stdio: ['pipe', 'pipe', 'inherit'] });
  servers.add(child);
  const ended = once(child, 'exit').then(() => {
    servers.delete(child);
    throw new Error('the server does not serve');
  });
  ended.catch(() => {});
  await Promise.race([once(child.stdout!, 'data'), ended]);
  return {
    end: async () => {
      child.stdin!.end();
      return byOwnAddress(await text(child.stdout!));
    },
    kill: () => child.kill('SIGKILL'),
  };
}
