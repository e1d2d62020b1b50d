import { closeSync } from 'node:fs';
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import type { Addon } from '../native/addon.ts';

/** What one question may take, from the first packet to the last, in milliseconds. */
export const timeoutMs = 5000;

/** A connected TCP socket to an IP address. */
export type Connect = (address: string, port: number, signal: AbortSignal) => Promise<Socket>;

/** Connects from inside a network namespace; null: our own. */
export function connector(addon: Pick<Addon, 'connectIn'> | undefined, nsPath: string | null): Connect {
  const open = addon === undefined || nsPath === null ? fromHere : fromInside(addon, nsPath);
  // Whoever reads hears of what goes wrong; when nobody does, it does not matter.
  return async (...to) => (await open(...to)).on('error', () => {});
}

function fromInside(addon: Pick<Addon, 'connectIn'>, nsPath: string): Connect {
  return async (address, port, signal) => {
    const fd = await addon.connectIn(nsPath, address, port, timeoutMs);
    if (signal.aborted) {
      closeSync(fd);
      signal.throwIfAborted();
    }
    return new Socket({ fd, readable: true, writable: true });
  };
}

async function fromHere(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
