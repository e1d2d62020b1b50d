import { decodeAddresses, decodeLinks } from '../host/rtnetlink.ts';
import type { Addresses } from './expansion.ts';

const IF_OPER_DOWN = 2;

/** Of an RTM_GETLINK and an RTM_GETADDR dump: all that may be shown, but those of interfaces that are down. */
export function addressesUp(links: Buffer, addresses: Buffer): Addresses {
  const down = new Set<number>();
  for (const { index, operState } of decodeLinks(links)) if (operState === IF_OPER_DOWN) down.add(index);
  const found = new Set<string>();
  for (const [index, own] of decodeAddresses(addresses))
    if (!down.has(index)) for (const { ip } of own) found.add(ip);
  return [...found];
}
