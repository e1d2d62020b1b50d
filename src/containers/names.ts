/** Container ids made of what a runtime says. Pure. */
import { safe } from './app-id.ts';
import type { Place } from './places.ts';
import type { Inspection, RuntimeName } from './runtimes/inspection.ts';

/** `<CronJob>-<minutes since the epoch>-<random>`. */
const cronJobPod = new RegExp(`^(.+)-(\\d{8})-${safe}$`);
const cronJobMaxAgeMs = 7 * 24 * 3600_000;

/** Names are somebody else's text: one that could be read as two parts of an id, or is no name at all, is refused. */
const part = /^[\w.@:+-]{1,253}$/;

export interface Known {
  readonly runtime: RuntimeName;
  readonly inspection: Inspection;
  readonly place: Place;
}

/** The `container_id`; the word `ignored` for what is no container of its own, `undefined` when it has no name that can be used. */
export function containerIdOf({ runtime, inspection, place }: Known, nowMs: number): string | undefined {
  const { labels, name } = inspection;
  // Whatever an ordinary user's runtime says, it is that user's.
  if (place.kind === 'user') return idOf('user', String(place.uid), runtime, name);
  if (place.kind === 'ecs') return ofEcs(labels, place.task);
  if (place.kind === 'sandbox') return ofSandbox(labels);
  if (place.kind === 'pod' && 'io.kubernetes.pod.name' in labels) return ofPod(labels, nowMs);
  if (runtime === 'containerd' || runtime === 'crio') return 'ignored';
  if (runtime === 'podman') return idOf('podman', name);
  return ofSwarm(labels) ?? ofNomad(inspection) ?? (name === '' ? 'ignored' : idOf('docker', name));
}

function ofSandbox(labels: Inspection['labels']): string | undefined {
  const { 'io.kubernetes.pod.namespace': namespace = '', 'io.kubernetes.pod.name': pod = '' } = labels;
  return pod === '' ? 'ignored' : idOf('k8s', namespace, pod, 'sandbox');
}

/** A name that begins like this is that of the agent's own, such as the pause container. */
function ofEcs(labels: Inspection['labels'], task: string): string | undefined {
  const name = labels['com.amazonaws.ecs.container-name'] ?? '';
  return name.startsWith('~internal~') ? 'ignored' : idOf('ecs', task, name);
}

function ofPod(labels: Inspection['labels'], nowMs: number): string | undefined {
  const [namespace = '', pod = '', container = ''] = ['pod.namespace', 'pod.name', 'container.name'].map(
    (key) => labels[`io.kubernetes.${key}`],
  );
  if (container === '' || container === 'POD') return 'ignored';
  const [, cronJob, minutes] = cronJobPod.exec(pod) ?? [];
  const isCronJob = cronJob !== undefined && Math.abs(Number(minutes) * 60_000 - nowMs) < cronJobMaxAgeMs;
  return isCronJob
    ? idOf('k8s-cronjob', namespace, cronJob, container)
    : idOf('k8s', namespace, pod, container);
}

/** Tasks of Docker Swarm: `<service>.<slot or node id>.<task id>`. */
function ofSwarm(labels: Inspection['labels']): string | undefined {
  const [, slot, task] = (labels['com.docker.swarm.task.name'] ?? '').split('.');
  const service = labels['com.docker.swarm.service.name'];
  if (task === undefined || slot === undefined || service === undefined) return undefined;
  const stack = labels['com.docker.stack.namespace'];
  const own =
    stack !== undefined && service.startsWith(`${stack}_`) ? service.slice(stack.length + 1) : service;
  return idOf('swarm', stack || '_', own, slot);
}

function ofNomad({ environment }: Inspection): string | undefined {
  const valueOf = (key: string): string | undefined =>
    environment.find((line) => line.startsWith(`NOMAD_${key}=`))?.slice(key.length + 7);
  const parts = ['NAMESPACE', 'JOB_NAME', 'GROUP_NAME', 'ALLOC_ID', 'TASK_NAME'].map(valueOf);
  return parts.every((value) => value) ? idOf('nomad', ...(parts as string[])) : undefined;
}

function idOf(...parts: readonly string[]): string | undefined {
  return parts.every((text) => part.test(text) && text !== '..') ? `/${parts.join('/')}` : undefined;
}
