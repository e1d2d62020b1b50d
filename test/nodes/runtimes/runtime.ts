/**
 * Container runtimes for tests, each on a node of its own under the kernel of this machine.
 *
 * A runtime is one file here, `NAME.ts`, that exports `runtime`. Nothing else has to know of it: `startRuntime(t, 'NAME')`
 * finds it, and so does the test that counts the connections of its containers.
 */
import { readdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { startAgent, type NodeAgent } from './base/agent.ts';
import { startNode, type Node } from './base/node.ts';

export { skip, until } from './base/node.ts';

/** What to run. */
export interface Workload {
  readonly name: string;
  /** Of the image of base/image.ts; where there are no images, of the node. */
  readonly command: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly memoryLimitBytes?: number;
}

export interface Container {
  /** The `container_id` that the agent gives it. */
  readonly knownAs: string;
  /** Path of its cgroup where the test chose it. */
  readonly cgroup?: string;
  /** What it wrote so far. */
  output(): Promise<string>;
}

/** How a runtime is driven. */
export interface Runtime {
  /** Program that is process 1 of the node, in pid and cgroup namespaces of its own. */
  readonly init?: readonly string[];
  /** Resolves when containers can be started. */
  start(node: Node): Promise<void>;
  /** Resolves when the container runs. */
  run(node: Node, workload: Workload): Promise<Container>;
}

export interface RuntimeNode extends Node {
  run(workload: Workload): Promise<Container>;
  startAgent(...args: readonly string[]): Promise<NodeAgent>;
}

/** Names of all runtimes. */
export const runtimes: readonly string[] = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'runtime.ts')
  .map((file) => file.slice(0, -'.ts'.length));

/** A node with a running runtime; all of it is gone after the test, whatever happens. */
export async function startRuntime(t: TestContext, name: string): Promise<RuntimeNode> {
  const { runtime } = (await import(`./${name}.ts`)) as { runtime: Runtime };
  const node = await startNode(runtime.init);
  t.after(() => node.stop());
  await runtime.start(node).catch(async (cause: unknown) => {
    const logs = await node.logs().catch(() => 'it has no logs');
    throw new Error(`${name}: does not start: ${String(cause)}\n${logs}`, { cause });
  });
  return {
    ...node,
    run: (workload) => runtime.run(node, workload),
    startAgent: (...args) => startAgent(node, args),
  };
}
