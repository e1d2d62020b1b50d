/** Three network namespaces: that of the host, the agent's own behind it, and the cloud beyond the host. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const names = ['pod', 'host', 'cloud'] as const;
type Name = (typeof names)[number];

const addresses = ['169.254.169.254', '100.100.100.200', '169.254.42.42', '169.254.169.253'];
const folder = '/run/netns';
const place = (name: Name): string => `cloud-${process.pid}-${name}`;
export const namespaceOf = (name: Name): string => `${folder}/${place(name)}`;

function ip(command: string): string {
  return execFileSync('ip', command.split(' '), { encoding: 'utf8' });
}

/** Runs a command of the shell inside. */
export function within(name: Name, command: string): string {
  return execFileSync('nsenter', [`--net=${namespaceOf(name)}`, 'sh', '-c', command], { encoding: 'utf8' });
}

export function set(name: Name, setting: string, value: string): void {
  within(name, `echo ${value} > /proc/sys/net/${setting}`);
}

/** Packets to the agent's namespace have to pass the host: with a hop limit of 1 none arrives there. */
export function build(): void {
  for (const name of names) {
    ip(`netns add ${place(name)}`);
    set(name, 'ipv6/conf/all/disable_ipv6', '1');
    set(name, 'ipv6/conf/default/disable_ipv6', '1');
    ip(`-n ${place(name)} link set lo up`);
  }
  set('host', 'ipv4/ip_forward', '1');
  set('cloud', 'ipv4/ip_default_ttl', '1');
  ip(`link add up0 netns ${place('host')} type veth peer name down0 netns ${place('cloud')}`);
  ip(`link add pod0 netns ${place('host')} type veth peer name eth0 netns ${place('pod')}`);
  ip(`-n ${place('host')} address add 10.90.0.2/24 dev up0`);
  ip(`-n ${place('cloud')} address add 10.90.0.1/24 dev down0`);
  ip(`-n ${place('host')} address add 10.91.0.1/24 dev pod0`);
  ip(`-n ${place('pod')} address add 10.91.0.2/24 dev eth0`);
  ip(`-n ${place('host')} link set up0 up`);
  ip(`-n ${place('cloud')} link set down0 up`);
  ip(`-n ${place('host')} link set pod0 up`);
  ip(`-n ${place('pod')} link set eth0 up`);
  for (const address of addresses) {
    ip(`-n ${place('cloud')} address add ${address}/32 dev down0`);
    ip(`-n ${place('host')} route add ${address}/32 dev up0`);
  }
  ip(`-n ${place('pod')} route add default via 10.91.0.1`);
  ip(`-n ${place('cloud')} route add 10.91.0.0/24 via 10.90.0.2`);
}

/** Deletes our own, and what runs that were killed have left. */
export function remove(): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const [, pid] = /^cloud-(\d+)-\w+$/.exec(name) ?? [];
    if (pid !== undefined && (pid === String(process.pid) || !existsSync(`/proc/${pid}`)))
      // Another run may be doing the same.
      spawnSync('ip', ['netns', 'delete', name]);
  }
}

/** IP packets that the host has sent, RFC 4293's ipSystemStatsOutRequests. */
export function packets(): number {
  const lines = within('host', 'cat /proc/net/snmp').split('\n');
  const [keys, values] = lines.filter((line) => line.startsWith('Ip: ')).map((line) => line.split(' '));
  return Number(values![keys!.indexOf('OutRequests')]);
}
