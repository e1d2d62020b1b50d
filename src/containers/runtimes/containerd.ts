import { existsSync } from 'node:fs';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs/minimal.js';
import { AgentError } from '../../errors.ts';
import { logFileOf, type Inspect, type Inspection } from './inspection.ts';

/** MicroK8s, k0s, k3s, everybody else. */
const sockets = [
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/k0s/containerd.sock',
  '/run/k3s/containerd/containerd.sock',
  '/run/containerd/containerd.sock',
];
const method = '/containerd.services.containers.v1.Containers/Get';

/**
 * containerd by its API (containerd: api/services/containers/v1/containers.proto), in the namespace of Kubernetes. Its
 * connections end when `closing` says so.
 */
export function containerdInspect(root: string, closing: AbortSignal): Inspect {
  const clients = new Map<string, Client>();
  closing.addEventListener('abort', () => clients.forEach((client) => client.close()));
  /** One connection for each socket that is there, which comes back by itself after a restart of containerd. */
  const clientOf = (path: string): Client => {
    const address = `unix:${root}${path}`;
    let client = clients.get(address);
    if (client === undefined) {
      client = new Client(address, credentials.createInsecure(), {
        'grpc.enable_retries': 0,
        'grpc.max_reconnect_backoff_ms': 5000,
      });
      clients.set(address, client);
    }
    return client;
  };
  return async (id, signal) => {
    const present = sockets.filter((path) => existsSync(root + path));
    if (present.length === 0)
      throw new AgentError('ENOENT', `${root}${sockets.at(-1)}: no socket of containerd`);
    // All at once: one that was left behind, or hangs, must not hide the one that answers.
    const answers = await Promise.allSettled(present.map((path) => get(clientOf(path), id, signal)));
    const found = answers.find((answer) => answer.status === 'fulfilled' && answer.value !== undefined);
    if (found?.status === 'fulfilled') return found.value;
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed !== undefined && answers.every(({ status }) => status === 'rejected')) throw failed.reason;
    return undefined;
  };
}

function get(client: Client, id: string, signal: AbortSignal): Promise<Inspection | undefined> {
  const metadata = new Metadata();
  metadata.set('containerd-namespace', 'k8s.io');
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, answer?: Inspection): void => {
      signal.removeEventListener('abort', cancel);
      if (error === null) resolve(answer);
      else if (error.code === status.NOT_FOUND) resolve(undefined);
      else
        reject(
          new AgentError(signal.aborted ? 'ETIMEDOUT' : 'EPROTO', `containerd: ${error.message}`, {
            cause: error,
          }),
        );
    };
    const call = client.makeUnaryRequest(method, encodeRequest, decodeResponse, id, metadata, {}, done);
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
}

/** GetContainerRequest: `id` is field 1. */
function encodeRequest(id: string): Buffer {
  return Buffer.from(protobuf.Writer.create().uint32(10).string(id).finish());
}

/** GetContainerResponse: `container` is field 1. */
function decodeResponse(bytes: Buffer): Inspection {
  let found: Inspection = { name: '', labels: {}, image: '', environment: [] };
  eachField(protobuf.Reader.create(bytes), (field, reader) => {
    if (field === 1) found = decodeContainer(protobuf.Reader.create(reader.bytes()));
    return field === 1;
  });
  return found;
}

/** Where the Container Runtime Interface keeps what it knows of a container (containerd: internal/cri/store/container/metadata.go). */
const criExtension = 'io.cri-containerd.container.metadata';

/** Container: `labels` is field 2, `image` field 3, `extensions` field 10. */
function decodeContainer(reader: protobuf.Reader): Inspection {
  const labels: Record<string, string> = {};
  let image = '';
  let logPath: unknown;
  eachField(reader, (field, from) => {
    if (field === 2) {
      const [key, value] = decodePair(from);
      labels[key] = value.toString();
    } else if (field === 3) image = from.string();
    else if (field === 10) {
      const [key, value] = decodePair(from);
      if (key === criExtension) logPath = logPathOf(value);
    } else return false;
    return true;
  });
  return { name: '', labels, image, environment: [], ...logFileOf(logPath, 'cri') };
}

/** An entry of a map whose keys are strings. */
function decodePair(reader: protobuf.Reader): [key: string, value: Buffer] {
  let [key, value] = ['', Buffer.alloc(0)];
  eachField(protobuf.Reader.create(reader.bytes()), (field, from) => {
    if (field === 1) key = from.string();
    else if (field === 2) value = Buffer.from(from.bytes());
    return field === 1 || field === 2;
  });
  return [key, value];
}

/** Any: `value` is field 2, here JSON. */
function logPathOf(any: Buffer): unknown {
  let text = '';
  eachField(protobuf.Reader.create(any), (field, from) => {
    if (field === 2) text = from.string();
    return field === 2;
  });
  try {
    return (JSON.parse(text) as { Metadata?: { LogPath?: unknown } } | null)?.Metadata?.LogPath;
  } catch {
    return undefined;
  }
}

/** Calls `take` for every field; what it does not take is skipped. */
function eachField(reader: protobuf.Reader, take: (field: number, reader: protobuf.Reader) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!take(tag >>> 3, reader)) reader.skipType(tag & 7);
  }
}
