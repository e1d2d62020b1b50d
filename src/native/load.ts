import { assetPath } from '../assets.ts';
import { messageOf, unsupported } from '../errors.ts';
import type { Addon } from './addon.ts';

/** Loads the native addon. Throws UNSUPPORTED with the reason where it is missing or was built for another machine. */
export function loadAddon(path = assetPath('addon.node')): Addon {
  const module = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (error) {
    throw unsupported(`the native addon cannot be loaded: ${messageOf(error)}`, error);
  }
  return module.exports as Addon;
}
