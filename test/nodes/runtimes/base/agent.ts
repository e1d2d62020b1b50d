import { join } from 'node:path';
import { checkout, until, type Node } from './node.ts';

/** Of the node, so it is free. */
const listen = '127.0.0.1:10300';

/** The kernel names cgroups from the root of the machine, where such a node has names of its own: they are found by walking. */
const withoutCgroupEvents = `mount --bind /dev/null ${checkout}/dist/cgroup.bpf.o && exec "$@"`;

export interface NodeAgent {
  /** The metrics page, fetched inside the node. */
  page(): Promise<string>;
  /** What the agent wrote so far. */
  log(): string;
  /** SIGTERM; answers the exit code. */
  end(): Promise<number | null>;
}

/** Starts the bundle on the node; resolves as soon as the page is there. It ends with the node. */
export async function startAgent(node: Node, args: readonly string[] = []): Promise<NodeAgent> {
  const bundle = join(checkout, 'dist/agent.js');
  const agent = [
    'env',
    'OTEL_METRICS_EXPORTER=prometheus',
    process.execPath,
    bundle,
    '--listen',
    listen,
    // Where tests run may itself be in a cloud, which is asked nothing.
    '--provider=none',
    ...args,
  ];
  const child = node.beside('sh', '-c', node.ownCgroups ? withoutCgroupEvents : 'exec "$@"', 'sh', ...agent);
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const page = (): Promise<string> => node.exec('curl', '--silent', '--fail', `http://${listen}/metrics`);
  const running = await Promise.race([until('the page of the agent', page), ended]);
  if (typeof running !== 'string') throw new Error(`agent: ended with ${running}: ${log}`);
  return {
    page,
    log: () => log,
    end() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
