import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { folder, freePort, page, start, until, type Running } from './peer.ts';

export interface Collector {
  /** OTLP/gRPC endpoint. */
  readonly otlp: string;
  /** Its Prometheus page. */
  readonly url: string;
  /** OTLP/HTTP endpoint of logs. */
  readonly logs: string;
  /** Every request received, a line of OTLP JSON each. */
  readonly file: string;
  /** Starts it and waits until it serves; also again after it ended. */
  run(): Promise<Running>;
}

/** An OpenTelemetry Collector on free ports, not started yet. */
export async function collector(t: TestContext, binary: string): Promise<Collector> {
  const [grpc, http, web] = [await freePort(), await freePort(), await freePort()];
  const file = join(await folder(t), 'received.json');
  const config = `yaml:
receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:${grpc}}, http: {endpoint: 127.0.0.1:${http}}}}}
exporters: {prometheus: {endpoint: 127.0.0.1:${web}, without_scope_info: true}, file: {path: ${file}, flush_interval: 20ms}}
service: {telemetry: {metrics: {level: none}}, pipelines: {metrics: {receivers: [otlp], exporters: [prometheus, file]}, logs: {receivers: [otlp], exporters: [file]}}}`;
  const url = `http://127.0.0.1:${web}/metrics`;
  const run = async (): Promise<Running> => {
    const running = start(t, binary, ['--config', config]);
    await until('the Collector', () => page(url));
    return running;
  };
  const logs = `http://127.0.0.1:${http}/v1/logs`;
  return { otlp: `http://127.0.0.1:${grpc}`, logs, url, file, run };
}

/** The same, started. */
export async function startCollector(t: TestContext, binary: string): Promise<Collector> {
  const made = await collector(t, binary);
  await made.run();
  return made;
}
