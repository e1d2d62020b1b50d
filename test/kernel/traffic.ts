/** Drives traffic.c: a server and clients that say what they have sent and received. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { text } from 'node:stream/consumers';
import { compileC } from '../compile.ts';
import { makeCgroup, skip, type Cgroup } from './machine.ts';

/** What a program has done. */
export interface Truth {
  readonly connections: number;
  readonly sent: number;
  readonly received: number;
  /** That it spent in connect(). */
  readonly connectNs: number;
}

export interface TrafficServer {
  readonly pid: number;
  /** Ends it, and answers what it has done. */
  end(): Promise<Truth>;
  kill(): void;
}

/** A cgroup for each side of the connections of a test file. They go after its last test. */
export interface Ends {
  readonly client: Cgroup;
  readonly server: Cgroup;
}

/** Makes them before the first test of the file; where its tests skip, nothing is made. */
export function ownEnds(name: string): Ends {
  const own: { client?: Cgroup; server?: Cgroup } = {};
  before(() => {
    if (skip !== false) return;
    own.client = makeCgroup(`/system.slice/${name}-${process.pid}-client.service`);
    own.server = makeCgroup(`/system.slice/${name}-${process.pid}-server.service`);
  });
  after(() => {
    own.client?.remove();
    own.server?.remove();
  });
  return own as Ends;
}

/** In the network namespace of the process `netns`, or in ours. */
function launch(cgroup: Cgroup, args: readonly string[], netns: string | undefined): ChildProcess {
  const program = compileC(join(import.meta.dirname, 'traffic.c'));
  const command = [program, '-c', cgroup.directory, ...args];
  const [file = '', ...rest] =
    netns === undefined ? command : ['nsenter', `--net=/proc/${netns}/ns/net`, ...command];
  return spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function said(child: ChildProcess): Promise<Truth> {
  const numbers = (await text(child.stdout!)).trim().split(/\s+/).slice(-4).map(Number);
  const [connections = NaN, sent = NaN, received = NaN, connectNs = NaN] = numbers;
  const truth = { connections, sent, received, connectNs };
  assert.ok(Object.values(truth).every(Number.isFinite), 'the program says how much it was');
  return truth;
}

/** Resolves once it listens, on all addresses. */
export async function serve(cgroup: Cgroup, port: string, netns?: string): Promise<TrafficServer> {
  const child = launch(cgroup, ['serve', port], netns);
  const truth = said(child);
  await once(child.stdout!, 'data');
  return {
    pid: child.pid!,
    end: () => {
      child.stdin?.end();
      return truth;
    },
    kill: () => {
      truth.catch(() => {}); // it says nothing any more
      child.kill('SIGKILL');
    },
  };
}

/** Makes connections one after the other; resolves when all have ended. */
export function exchange(
  cgroup: Cgroup,
  address: string,
  port: string,
  connections: number,
  netns?: string,
): Promise<Truth> {
  return said(launch(cgroup, ['exchange', address, port, String(connections)], netns));
}

export function add(a: Truth, b: Truth): Truth {
  return {
    connections: a.connections + b.connections,
    sent: a.sent + b.sent,
    received: a.received + b.received,
    connectNs: a.connectNs + b.connectNs,
  };
}
