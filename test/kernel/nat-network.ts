/** Three network namespaces: a client, a router that translates, a server with three backends. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { compileC } from '../compile.ts';

export type Place = 'client' | 'router' | 'server';

export const service = { ipv4: '10.97.0.1', ipv6: 'fd97::1', port: 80 };
export const backends = ['10.98.0.11:9001', '10.98.0.12:9002', '10.98.0.13:9003'];
export const backends6 = ['[fd98::11]:9001', '[fd98::12]:9002', '[fd98::13]:9003'];

const ports = ['9001', '9002', '9003'];
const names = (['client', 'router', 'server'] as const).map((place) => nameOf(place));
let nft = '';

/** How to call nft(8), once `withoutNft` has found it. */
export const nftCommand = (): string => nft;

/** The reason why there is none here, or false; finds nft(8). */
export function withoutNft(): string | false {
  const found = spawnSync('bash', [join(import.meta.dirname, 'nft.sh')], { encoding: 'utf8' });
  nft = found.stdout.trim();
  if (found.status !== 0 || nft === '') return `needs nft: ${found.stderr.trim().split('\n').at(-1)}`;
  const ip = spawnSync('ip', ['-V']);
  return ip.status !== 0 && 'needs ip (iproute2)';
}

function nameOf(place: Place): string {
  return `nat-${process.pid}-${place}`;
}

export function pathOf(place: Place): string {
  return `/run/netns/${nameOf(place)}`;
}

export function inodeOf(place: Place): number {
  return statSync(pathOf(place)).ino;
}

/** To be put before a command. */
export function inside(place: Place): string[] {
  return ['nsenter', `--net=${pathOf(place)}`];
}

export function ip(place: Place, command: string): void {
  execFileSync('ip', ['-n', nameOf(place), ...command.split(' ')]);
}

export function rules(place: Place, input: string): void {
  const [command = '', ...args] = [...inside(place), nft, '-f', '-'];
  execFileSync(command, args, { input });
}

export function setting(place: Place, name: string, value: string): void {
  const [command = '', ...args] = [...inside(place), 'sh', '-c', `echo ${value} > /proc/sys/net/${name}`];
  execFileSync(command, args);
}

function toBackends(family: 'ip' | 'ip6', address: string, all: readonly string[]): string {
  const map = all.map((backend, i) => {
    const colon = backend.lastIndexOf(':');
    return `${i} : ${backend.slice(0, colon).replace(/[[\]]/g, '')} . ${backend.slice(colon + 1)}`;
  });
  return `${family} daddr ${address} tcp dport ${service.port} dnat ${family} to numgen inc mod 3 map { ${map.join(', ')} }`;
}

/** `masquerades`: the source changes too. */
export function makeNetwork(masquerades = true): void {
  for (const name of names) execFileSync('ip', ['netns', 'add', name]);
  for (const place of ['client', 'router', 'server'] as const) ip(place, 'link set lo up');
  join2('client', 'router', '10.96.1', 'fd96', [2], [1]);
  join2('router', 'server', '10.98.0', 'fd98', [1], [11, 12, 13]);
  ip('client', 'route add default via 10.96.1.1');
  ip('client', '-6 route add default via fd96::1');
  ip('server', 'route add default via 10.98.0.1');
  ip('server', '-6 route add default via fd98::1');
  ip('router', 'route add 10.97.0.0/24 dev lo');
  ip('router', '-6 route add fd97::/64 dev lo');
  setting('router', 'ipv4/ip_forward', '1');
  setting('router', 'ipv6/conf/all/forwarding', '1');
  rules(
    'router',
    `table inet nat {
      chain translate {
        ${toBackends('ip', service.ipv4, backends)}
        ${toBackends('ip6', service.ipv6, backends6)}
      }
      chain prerouting { type nat hook prerouting priority -100; jump translate; }
      chain output { type nat hook output priority -100; jump translate; }
      chain postrouting { type nat hook postrouting priority 100; ${masquerades ? 'oifname "to-server" masquerade;' : ''} }
    }`,
  );
}

function join2(
  one: Place,
  other: Place,
  network: string,
  network6: string,
  ends: number[],
  otherEnds: number[],
): void {
  ip(one, `link add to-${other} type veth peer name to-${one} netns ${nameOf(other)}`);
  for (const [place, device, hosts] of [
    [one, `to-${other}`, ends],
    [other, `to-${one}`, otherEnds],
  ] as const) {
    for (const host of hosts) {
      ip(place, `addr add ${network}.${host}/24 dev ${device}`);
      ip(place, `addr add ${network6}::${host}/64 dev ${device} nodad`);
    }
    ip(place, `link set ${device} up`);
  }
}

export function removeNetwork(): void {
  for (const name of names) spawnSync('ip', ['netns', 'del', name]);
}

export interface Server {
  /** Ends it. Connections by backend, as it accepted them. */
  end(): Promise<Map<string, number>>;
}

const servers = new Set<ChildProcess>();

/** Those that nobody ended. */
export async function endServers(): Promise<void> {
  for (const server of servers) server.kill('SIGKILL');
  await Promise.all([...servers].map((server) => once(server, 'exit')));
}

export async function serve(place: Place = 'server'): Promise<Server> {
  const [command = '', ...args] = [
    ...inside(place),
    compileC(join(import.meta.dirname, 'nat.c')),
    'serve',
    ...ports,
  ];
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
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
  };
}

/** What `nat serve` prints: connections by own address. */
export function byOwnAddress(printed: string): Map<string, number> {
  const lines = printed.trim().split('\n').filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [address = '', port = '', count] = line.split(' ');
      const shown = address.startsWith('::ffff:') ? address.slice(7) : `[${address}]`;
      return [`${shown}:${port}`, Number(count)];
    }),
  );
}
