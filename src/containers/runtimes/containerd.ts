import { existsSync } from 'node:fs';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs/minimal.js';
import { AgentError } from '../../errors.ts';
import type { Inspect, Inspection } from './inspection.ts';

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

/** Container: `labels` is field 2, `image` field 3. */
function decodeContainer(reader: protobuf.Reader): Inspection {
  const labels: Record<string, string> = {};
  let image = '';
  eachField(reader, (field, from) => {
    if (field === 2) {
      const [key, value] = decodePair(protobuf.Reader.create(from.bytes()));
      labels[key] = value;
    } else if (field === 3) image = from.string();
    return field === 2 || field === 3;
  });
  return { name: '', labels, image, environment: [] };
}

/** An entry of a map<string, string>. */
function decodePair(reader: protobuf.Reader): [key: string, value: string] {
  const pair: [string, string] = ['', ''];
  eachField(reader, (field, from) => {
    if (field === 1) pair[0] = from.string();
    else if (field === 2) pair[1] = from.string();
    return field === 1 || field === 2;
  });
  return pair;
}

/** Calls `take` for every field; what it does not take is skipped. */
function eachField(reader: protobuf.Reader, take: (field: number, reader: protobuf.Reader) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!take(tag >>> 3, reader)) reader.skipType(tag & 7);
  }
}
