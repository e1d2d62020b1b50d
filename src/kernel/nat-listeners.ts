import { codeOf } from '../errors.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import {
  decodeCount,
  decodeTranslations,
  entryCount,
  NETLINK_NETFILTER,
  NFNLGRP_CONNTRACK_NEW,
  translatedEntries,
  type Translation,
} from './conntrack.ts';
import { tcpLayouts } from './layouts.ts';
import { int32 } from './rodata.ts';

const timeoutMs = 5000;

/** Listens for new conntrack entries in network namespaces, by the filter in `ebpf/nat.h`. */
export class NatListeners {
  /** How often one that translates was found and there was no room to listen in it, ever. */
  refusedNamespaces = 0;
  readonly #addon: Addon;
  readonly #object: BpfObject;
  readonly #maxTranslations: number;
  #refused = 0;

  /** `object` has been loaded. */
  constructor(addon: Addon, object: BpfObject) {
    this.#addon = addon;
    this.#object = object;
    this.#maxTranslations = object.mapInfo('nat_translations').maxEntries;
  }

  /** Translations that found no place, ever. */
  get refused(): number {
    const { offset, size } = tcpLayouts.bss.fields.natRefused;
    return this.#refused + Number(this.#object.readGlobal('.bss', offset, size).readBigUInt64LE(0));
  }

  /** Opens a socket in the namespace at `nsPath` (null: our own), which `netns` stands for in keys. Answers how to close it. */
  async open(nsPath: string | null, netns: number): Promise<() => void> {
    const object = this.#object;
    const { link, cookie } = await object.listen('nat_new', nsPath, NETLINK_NETFILTER, NFNLGRP_CONNTRACK_NEW);
    object.update('nat_sockets', cookie, int32(netns));
    object.writeGlobal('.bss', tcpLayouts.bss.fields.natTranslates.offset, int32(1));
    return () => {
      object.detach(link);
      object.remove('nat_sockets', cookie);
    };
  }

  /** Connections that are tracked in the namespace at `nsPath`. */
  async count(nsPath: string | null): Promise<number> {
    return decodeCount(await this.#addon.netlinkRequest(nsPath, entryCount, timeoutMs));
  }

  /** What the namespace at `nsPath` translates now. */
  async translations(nsPath: string | null): Promise<Translation[]> {
    return [...decodeTranslations(await this.#addon.netlinkRequest(nsPath, translatedEntries, timeoutMs))];
  }

  /** Keeps what was translated before there was a socket: for connections that are there. */
  keep(netns: number, translations: readonly Translation[]): void {
    const { natKey, natTranslation } = tcpLayouts;
    this.#refused += Math.max(0, translations.length - this.#maxTranslations);
    for (const { own, peer, actual } of translations.slice(0, this.#maxTranslations)) {
      const key = Buffer.alloc(natKey.size);
      key.writeUInt32LE(netns, natKey.fields.netns.offset);
      own.copy(key, natKey.fields.own.offset);
      peer.copy(key, natKey.fields.peer.offset);
      const value = Buffer.alloc(natTranslation.size);
      actual.copy(value, natTranslation.fields.actual.offset);
      // One that the filter has told of meanwhile is newer.
      if (this.#object.lookup('nat_translations', key) === null)
        this.#object.update('nat_translations', key, value);
    }
  }

  /** A setting of the namespace below net.netfilter; undefined where it has none. */
  async setting(nsPath: string | null, name: string): Promise<string | undefined> {
    try {
      return await this.#addon.networkSetting(nsPath, `netfilter/${name}`, null);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async change(nsPath: string | null, name: string, value: string): Promise<void> {
    await this.#addon.networkSetting(nsPath, `netfilter/${name}`, value);
  }
}
