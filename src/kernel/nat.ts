import { codeOf } from '../errors.ts';
import type { Features } from '../features.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import type { KernelFigures } from './figures.ts';
import { NatListeners } from './nat-listeners.ts';
import { unavailable } from './start.ts';

const nothingYet = 'no connections are tracked here yet';

/** What the host's namespace is in the programs: the one that all others reach the world through. */
const host = 0;

export interface NatOptions {
  /** From `hostView`; null: our own. Undefined: the host's is not known. */
  readonly hostNamespace: string | null | undefined;
  /** Whether conntrack events that are switched off may be switched on. */
  readonly enablesEvents: boolean;
}

/** Tells the programs in an object of the source `tcp` where connections go to behind NAT. */
export interface Nat {
  readonly listeners: NatListeners;
  /** Tries again what did not work, and looks whether events were switched off since. */
  look(): Promise<void>;
  figures(): KernelFigures;
  /** Its sockets are closed with the object. */
  close(): void;
}

/**
 * Listens in the host's namespace, then reads what it translates already: of connections that begin from then on nothing is
 * missed. To be called once `object` is loaded, before it counts. The feature `nat` says what is missing; never rejects.
 */
export async function startNat(
  addon: Addon,
  object: BpfObject,
  options: NatOptions,
  features: Features,
): Promise<Nat> {
  const listeners = new NatListeners(addon, object);
  let namespace = options.hostNamespace ?? null;
  /** Why our own namespace is taken for the host's. */
  let lack: unknown =
    options.hostNamespace === undefined
      ? unavailable('own_view', 'the network namespace of the host is not known: our own is taken for it')
      : undefined;
  let listens = false;
  let answered = false;
  let closed = false;
  const look = async (): Promise<void> => {
    try {
      if (!listens) {
        await listeners.open(namespace, host).catch(async (error: unknown) => {
          if (namespace === null || codeOf(error) === 'EPROTONOSUPPORT') throw error;
          lack = error;
          namespace = null;
          await listeners.open(namespace, host);
        });
        listens = true;
      }
      answered ||= await learn(listeners, namespace);
      const remark = await requireEvents(listeners, namespace, options.enablesEvents);
      if (!answered && remark !== nothingYet)
        throw unavailable(
          'no_kernel_config',
          'connections are tracked, and nf_conntrack_netlink is not there',
        );
      if (lack === undefined) features.set('nat', true, '', remark);
      else features.lessen('nat', lack);
    } catch (error) {
      if (closed) return;
      // nfnetlink is a module that comes with the first who wants it.
      if (codeOf(error) === 'EPROTONOSUPPORT') features.set('nat', true, '', nothingYet);
      else features.fail('nat', error);
    }
  };
  await look();
  return {
    listeners,
    look,
    figures: () => ({
      object,
      programs: ['nat_new'],
      maps: ['nat_translations', 'nat_sockets'],
      entries: {},
      refused: [
        { map: 'nat_translations', reason: 'full', count: listeners.refused },
        { map: 'nat_sockets', reason: 'full', count: listeners.refusedNamespaces },
      ],
      ringDropped: {},
    }),
    close: () => {
      closed = true;
      object.close();
    },
  };
}

/** False without ctnetlink, a module that the kernel loads when it is asked for: later, where it could not. */
async function learn(listeners: NatListeners, hostNamespace: string | null): Promise<boolean> {
  try {
    listeners.keep(host, await listeners.translations(hostNamespace));
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'EOPNOTSUPP') throw error;
    return false;
  }
}

/** Answers a remark. Throws when connections are tracked and nobody is told. */
async function requireEvents(
  listeners: NatListeners,
  hostNamespace: string | null,
  enablesEvents: boolean,
): Promise<string> {
  const events = await listeners.setting(hostNamespace, 'nf_conntrack_events');
  if (events === undefined) {
    const tracks = (await listeners.setting(hostNamespace, 'nf_conntrack_max')) !== undefined;
    if (!tracks) return nothingYet;
    throw unavailable('no_kernel_config', 'the kernel has no CONFIG_NF_CONNTRACK_EVENTS');
  }
  if (events !== '0') return 'by conntrack events';
  if (!enablesEvents) throw unavailable('no_sysctl', 'net.netfilter.nf_conntrack_events is 0');
  await listeners.change(hostNamespace, 'nf_conntrack_events', '1');
  return 'by conntrack events, which had been switched off';
}
