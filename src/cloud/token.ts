import { AgentError } from '../errors.ts';
import type { Answer, Ask, MetadataRequest } from './provider.ts';

/** Asks with a token, which is kept until the service says that it is not good any more (401); then once with a new one. */
export function withToken(
  request: MetadataRequest,
  tokenOf: (answer: Answer) => unknown,
  headersOf: (token: string) => Record<string, string>,
): (ask: Ask) => Ask {
  let token: string | undefined;
  const obtain = async (ask: Ask): Promise<string> => {
    const answer = await ask(request);
    const found = answer.status === 200 ? tokenOf(answer) : undefined;
    // It becomes a header: nothing but visible ASCII (RFC 9110, 5.5).
    if (typeof found === 'string' && /^[!-~]{1,8192}$/.test(found)) return found;
    throw new AgentError('HTTP', `${request.method} ${request.url}: no token (status ${answer.status})`);
  };
  return (ask) => async (wanted, headers) => {
    for (let isSecond = false; ; isSecond = true) {
      token ??= await obtain(ask);
      const answer = await ask(wanted, { ...headers, ...headersOf(token) });
      if (answer.status !== 401) return answer;
      token = undefined;
      if (isSecond) return answer;
    }
  };
}
