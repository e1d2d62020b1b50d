import { closeSync } from 'node:fs';
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import type { Addon } from '../native/addon.ts';

/** A connected TCP socket to an IP address; `withinMs` is for what cannot hear the signal. */
export type Connect = (
  address: string,
  port: number,
  signal: AbortSignal,
  withinMs: number,
) => Promise<Socket>;

/** Connects from inside a network namespace; null: our own. */
export function connector(addon: Pick<Addon, 'connectIn'> | undefined, nsPath: string | null): Connect {
  const open = addon === undefined || nsPath === null ? fromHere : fromInside(addon, nsPath);
  // Whoever reads hears of what goes wrong; when nobody does, it does not matter.
  return async (...to) => (await open(...to)).on('error', () => {});
}

function fromInside(addon: Pick<Addon, 'connectIn'>, nsPath: string): Connect {
  return async (address, port, signal, withinMs) => {
    signal.throwIfAborted();
    const fd = await addon.connectIn(nsPath, address, port, withinMs);
    try {
      signal.throwIfAborted();
      return new Socket({ fd, readable: true, writable: true });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
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
