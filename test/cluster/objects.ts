/** Objects of Kubernetes that the tests create: one of each kind of workload, all of the image of test/nodes. */
import { imageName } from '../nodes/runtimes/base/image.ts';

export const namespace = 'shop';

/** A container of a pod. */
export interface Main {
  readonly name: string;
  /** Lines of the shell. */
  readonly script: string;
  readonly limits?: { readonly cpu?: string; readonly memory?: string };
  /** `before` the others, to its end; `beside` them, started before. */
  readonly init?: 'before' | 'beside';
}

const metadata = (name: string): object => ({ name, namespace });

/** What all pods are: without a token, and with a folder `/state` that stays while a container is started again. */
function podSpec(mains: readonly Main[]): object {
  const containers = (wanted: readonly Main[]): object[] =>
    wanted.map(({ name, script, limits, init }) => ({
      name,
      image: imageName,
      command: ['/bin/sh', '-c', script],
      volumeMounts: [{ name: 'state', mountPath: '/state' }],
      ...(init === 'beside' && { restartPolicy: 'Always' }),
      ...(limits && { resources: { limits, requests: { cpu: '1m', memory: '1Mi' } } }),
    }));
  return {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    volumes: [{ name: 'state', emptyDir: {} }],
    initContainers: containers(mains.filter(({ init }) => init !== undefined)),
    containers: containers(mains.filter(({ init }) => init === undefined)),
  };
}

export function pod(name: string, ...mains: readonly Main[]): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: metadata(name), spec: podSpec(mains) };
}

/** A pod in the network of the node, which sees the processes of the machine. */
export function hostPod(name: string, ...mains: readonly Main[]): object {
  const spec = { ...podSpec(mains), hostNetwork: true, hostPID: true };
  return { apiVersion: 'v1', kind: 'Pod', metadata: metadata(name), spec };
}

/** A Deployment, StatefulSet or DaemonSet; `replicas` where there is such a number. */
export function workload(kind: string, name: string, main: Main, replicas?: number): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: metadata(name),
    spec: {
      ...(replicas !== undefined && { replicas }),
      ...(kind === 'StatefulSet' && { serviceName: name }),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec([main]) },
    },
  };
}

const jobSpec = (main: Main): object => ({
  template: { spec: { ...podSpec([main]), restartPolicy: 'Never' } },
});

export function job(name: string, main: Main): object {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: metadata(name), spec: jobSpec(main) };
}

/** Runs at the next full minute; once, if what it runs does not end. */
export function cronJob(name: string, main: Main): object {
  const spec = { schedule: '* * * * *', concurrencyPolicy: 'Forbid', jobTemplate: { spec: jobSpec(main) } };
  return { apiVersion: 'batch/v1', kind: 'CronJob', metadata: metadata(name), spec };
}

/** What the tests read of a pod. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name: string;
  /** It runs, or it has ended well and is not to run again. */
  readonly ready: boolean;
  readonly restartCount: number;
  /** `containerd://<id>` */
  readonly containerID?: string;
  readonly lastState: { readonly terminated?: { readonly reason: string } };
}
