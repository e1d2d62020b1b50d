/** A machine in a cloud: the host's network namespace, the agent's own behind it, and beyond the host the metadata service. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
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
import { build, namespaceOf, remove, set } from './network.ts';
import type { Asked, Script } from './server.ts';

export const skip =
  (process.getuid?.() !== 0 && 'needs root') ||
  (!existsSync(assetPath('addon.node')) && 'needs the addon') ||
  (spawnSync('ip', ['-V']).status !== 0 && 'needs ip (iproute2)');

export const nameServer = '169.254.169.253';

export const plain = {
  provider: '',
  region: '',
  availabilityZone: '',
  instanceType: '',
  instanceLifeCycle: '',
};

async function startServer(): Promise<ChildProcess> {
  const program = [process.execPath, '--no-warnings', join(import.meta.dirname, 'server.ts')];
  const server = spawn('nsenter', [`--net=${namespaceOf('cloud')}`, ...program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(server, 'exit').then(([code, signal]) => {
    throw new Error(`the metadata service ended with ${code ?? signal}`);
  });
  await Promise.race([once(server, 'message'), ended]);
  return server;
}

export class CloudMachine {
  readonly asked: Asked[] = [];
  readonly problems: string[] = [];
  readonly recoveries: string[] = [];
  readonly features = new Features();
  readonly #server: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cloud-'));

  private constructor(server: ChildProcess) {
    this.#server = server;
    server.on('message', (message: Asked | 'ready') => {
      if (message !== 'ready') this.asked.push(message);
    });
  }

  static async start(): Promise<CloudMachine> {
    remove();
    try {
      build();
      return new CloudMachine(await startServer());
    } catch (error) {
      remove();
      throw error;
    }
  }

  async serve(script: Script): Promise<void> {
    this.asked.length = 0;
    this.problems.length = 0;
    this.recoveries.length = 0;
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
      onRecovered: (reason) => this.recoveries.push(reason),
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

  async end(): Promise<void> {
    if (this.#server.kill('SIGKILL')) await once(this.#server, 'exit');
    remove();
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
