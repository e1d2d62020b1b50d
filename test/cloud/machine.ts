/** A machine in a cloud: the host's network namespace, the agent's own behind it, and beyond the host the metadata service. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { assetPath } from '../../src/assets.ts';
import { startCloud, type CloudDeps, type WatchedCloud } from '../../src/cloud/start.ts';
import { Features } from '../../src/features.ts';
import { systemClock } from '../../src/host/clock.ts';
import type { HostView } from '../../src/host/view.ts';
import { loadAddon } from '../../src/native/load.ts';
import type { Asked, Script } from './server.ts';

export const skip =
  (process.getuid?.() !== 0 && 'needs root') ||
  (!existsSync(assetPath('addon.node')) && 'needs the addon') ||
  (spawnSync('ip', ['-V']).status !== 0 && 'needs ip (iproute2)');

const addresses = ['169.254.169.254', '100.100.100.200', '169.254.42.42', '169.254.169.253'];
export const nameServer = '169.254.169.253';
const place = (name: string): string => `cloud-${process.pid}-${name}`;
export const namespaceOf = (name: 'pod' | 'host' | 'cloud'): string => `/run/netns/${place(name)}`;

function ip(command: string): string {
  return execFileSync('ip', command.split(' '), { encoding: 'utf8' });
}

function set(name: string, setting: string, value: string): void {
  const write = `echo ${value} > /proc/sys/net/${setting}`;
  execFileSync('nsenter', [`--net=/run/netns/${place(name)}`, 'sh', '-c', write]);
}

export const plain = {
  provider: '',
  region: '',
  availabilityZone: '',
  instanceType: '',
  instanceLifeCycle: '',
};

export class CloudMachine {
  readonly asked: Asked[] = [];
  readonly problems: string[] = [];
  readonly features = new Features();
  readonly #server: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cloud-'));

  private constructor(server: ChildProcess) {
    this.#server = server;
    server.on('message', (message: Asked | 'ready') => {
      if (message !== 'ready') this.asked.push(message);
    });
  }

  /** Packets to the agent's namespace have to pass the host: with a hop limit of 1 none arrives there. */
  static async start(): Promise<CloudMachine> {
    for (const name of ['pod', 'host', 'cloud']) {
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
    for (const [name, device] of Object.entries({ host: 'up0', cloud: 'down0' }))
      ip(`-n ${place(name)} link set ${device} up`);
    for (const [name, device] of Object.entries({ host: 'pod0', pod: 'eth0' }))
      ip(`-n ${place(name)} link set ${device} up`);
    for (const address of addresses) {
      ip(`-n ${place('cloud')} address add ${address}/32 dev down0`);
      ip(`-n ${place('host')} route add ${address}/32 dev up0`);
    }
    ip(`-n ${place('pod')} route add default via 10.91.0.1`);
    ip(`-n ${place('cloud')} route add 10.91.0.0/24 via 10.90.0.2`);
    const program = [process.execPath, '--no-warnings', join(import.meta.dirname, 'server.ts')];
    const server = spawn('nsenter', [`--net=${namespaceOf('cloud')}`, ...program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(server, 'message');
    return new CloudMachine(server);
  }

  async serve(script: Script): Promise<void> {
    this.asked.length = 0;
    this.problems.length = 0;
    const ready = new Promise<void>((resolve) => {
      const listen = (message: unknown): void => {
        if (message !== 'ready') return;
        this.#server.off('message', listen);
        resolve();
      };
      this.#server.on('message', listen);
    });
    this.#server.send(script);
    await ready;
  }

  /** A machine with these files below sysfs. */
  view(files: Readonly<Record<string, string>>, namespace: 'host' | 'pod' = 'host'): HostView {
    const root = mkdtempSync(join(this.#folder, 'root-'));
    for (const [path, content] of Object.entries({
      'etc/resolv.conf': `nameserver ${nameServer}\n`,
      ...Object.fromEntries(Object.entries(files).map(([name, value]) => [`sys/${name}`, `${value}\n`])),
    })) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    return {
      paths: { proc: '/proc', sys: join(root, 'sys'), root, cgroup: '' },
      netNamespace: namespaceOf(namespace),
      utsNamespace: null,
      netNamespaceInode: 0,
    };
  }

  cloud(
    t: TestContext,
    files: Readonly<Record<string, string>>,
    deps: Partial<CloudDeps> = {},
  ): WatchedCloud {
    const cloud = startCloud({
      cloud: plain,
      view: this.view(files),
      addon: loadAddon(),
      features: this.features,
      clock: systemClock,
      onProblem: (reason) => this.problems.push(reason),
      ...deps,
    });
    t.after(() => cloud.close());
    return cloud;
  }

  /** Of what the service sends. */
  hopLimit(hops: number): void {
    set('cloud', 'ipv4/ip_default_ttl', String(hops));
  }

  /** What was asked, without headers. */
  requests(): string[] {
    return this.asked.map(({ request }) => request);
  }

  /** Packets that have left the host, on any of its interfaces but lo. */
  packets(): number {
    const links = JSON.parse(ip(`-n ${place('host')} -j -s link show`)) as {
      ifname: string;
      stats64: { tx: { packets: number } };
    }[];
    return links
      .filter(({ ifname }) => ifname !== 'lo')
      .reduce((sum, { stats64 }) => sum + stats64.tx.packets, 0);
  }

  async end(): Promise<void> {
    const ended = once(this.#server, 'exit');
    this.#server.kill('SIGKILL');
    await ended;
    for (const name of ['pod', 'host', 'cloud']) ip(`netns delete ${place(name)}`);
    rmSync(this.#folder, { recursive: true });
  }
}

/** Polls until `holds`; fails after `limitMs`. */
export async function until(what: string, holds: () => boolean, limitMs = 15_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not so after ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
