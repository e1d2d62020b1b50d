import type { Traffic } from './diag.ts';

/** One line of /proc/<pid>/net/tcp or tcp6, or what sock_diag tells instead. */
export interface ProcSocket {
  /** 16 bytes, IPv4 in its mapped form. */
  readonly localAddress: Buffer;
  readonly localPort: number;
  /** Of the peer. */
  readonly address: Buffer;
  readonly port: number;
  /** Number of `enum` in include/net/tcp_states.h. */
  readonly state: number;
  /** Of one that listens: connections that wait for accept(2); else bytes that wait to be read. */
  readonly queue: number;
  /** 0 when no file holds the socket. */
  readonly inode: number;
  /** Of one that listens, where sock_diag has told of it. */
  readonly listen?:
    { readonly limit: number; readonly drops: number; readonly ipv6Only: boolean } | undefined;
  /** Likewise of one that is connected. */
  readonly traffic?: Traffic | undefined;
}

export const listening = 10;

/** Connected, though one side may have said its last word: ESTABLISHED, FIN_WAIT1 and 2, CLOSE_WAIT, LAST_ACK, CLOSING. */
export const openStates: ReadonlySet<number> = new Set([1, 4, 5, 8, 9, 11]);

const line =
  /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) [0-9A-F]{8}:([0-9A-F]{8}) \S+ \S+ +\d+ +\d+ (\d+) /;
const mappedPrefix = '0000000000000000FFFF0000';

/**
 * Reads the sockets of one network namespace; lines that do not parse are left out. Source: proc_net_tcp.rst of the
 * kernel and get_tcp4_sock() in net/ipv4/tcp_ipv4.c. Addresses are words as a little-endian machine prints them.
 */
export function* parseSockets(text: string): Generator<ProcSocket> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const match = line.exec(text.slice(start, end < 0 ? text.length : end));
    start = end < 0 ? text.length : end + 1;
    if (match === null) continue;
    const [, own = '', localPort = '', peer = '', port = '', state = '', queue = '', inode = ''] = match;
    yield {
      localAddress: addressOf(own),
      localPort: Number.parseInt(localPort, 16),
      address: addressOf(peer),
      port: Number.parseInt(port, 16),
      state: Number.parseInt(state, 16),
      queue: Number.parseInt(queue, 16),
      inode: Number(inode),
    };
  }
}

function addressOf(words: string): Buffer {
  return Buffer.from(words.length === 8 ? mappedPrefix + words : words, 'hex').swap32();
}
