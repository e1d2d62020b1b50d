import { setTimeout as after } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { receiveOtlp, type ReceivedRequest } from '../../src/telemetry/otlp.fixture.ts';

/** `partial` takes the request but not all of its points; `closes` ends the connection with the request on its way. */
export type Behaviour =
  | 'accepts'
  | 'slow'
  | 'hangs'
  | 'partial'
  | 'closes'
  | 'garbage'
  | 'UNAVAILABLE'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAUTHENTICATED';

export interface FaultyCollector {
  readonly endpoint: string;
  /** Those that were accepted, late ones too. */
  readonly requests: readonly ReceivedRequest[];
  /** Requests of any fate. */
  asked(): number;
  /** From the next request on. */
  behave(behaviour: Behaviour): Promise<void>;
}

/** How late the slow one is. */
const slowMs = 300;

/** ExportMetricsServiceResponse { partial_success { rejected_data_points: 3, error_message: "full" } } */
const partialSuccess = Buffer.from('0a0808031204' + Buffer.from('full').toString('hex'), 'hex');

/** An OTLP receiver on the loopback whose behaviour can be changed, ended after the test. */
export async function faultyCollector(t: TestContext, first: Behaviour): Promise<FaultyCollector> {
  const requests: ReceivedRequest[] = [];
  let behaviour = first;
  let asked = 0;
  const open = (port = 0): ReturnType<typeof receiveOtlp> =>
    receiveOtlp({
      port,
      handle(call, done, accept) {
        asked++;
        switch (behaviour) {
          case 'hangs':
            return;
          case 'closes':
            receiver.close();
            return;
          case 'garbage':
            done(null, Buffer.alloc(100, 0xff));
            return;
          case 'partial':
            accept(call, () => done(null, partialSuccess));
            break;
          case 'slow':
            accept(call, (error, answer) => void after(slowMs).then(() => done(error, answer)));
            break;
          case 'accepts':
            accept(call, done);
            break;
          case 'UNAVAILABLE':
          case 'RESOURCE_EXHAUSTED':
          case 'UNAUTHENTICATED':
            done({ code: status[behaviour], details: `refused on purpose: ${behaviour}` });
            return;
        }
        requests.push(...receiver.requests.splice(0));
      },
    });
  let receiver = await open();
  const { port } = receiver;
  t.after(() => receiver.close());
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    asked: () => asked,
    async behave(next) {
      if (behaviour === 'closes') {
        receiver.close();
        receiver = await open(port);
      }
      behaviour = next;
    },
  };
}
