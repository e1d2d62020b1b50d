import { existsSync } from 'node:fs';
import type { Feature, Reason } from '../../config/capabilities.ts';
import { AgentError } from '../errors.ts';
import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon } from '../native/addon.ts';

/** The feature cannot work here; `reason` is the short token that `Features` shows. */
export function unavailable(reason: Reason, message: string): AgentError & { readonly reason: Reason } {
  return Object.assign(new AgentError('UNSUPPORTED', message), { reason });
}

/** Runs the steps that start a feature. Whatever they throw switches it off with a reason; nothing is thrown on. */
export async function startFeature<T>(
  feature: Feature,
  features: Features,
  steps: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const started = await steps();
    features.set(feature, true);
    return started;
  } catch (error) {
    features.fail(feature, error);
    return undefined;
  }
}

/** What every program needs: our addon, and a kernel that describes its own types, to which programs are fitted. */
export function requireBpf(addon: Addon | undefined, paths: HostPaths): Addon {
  if (addon === undefined) throw unavailable('no_addon', 'the native addon could not be loaded');
  if (!existsSync(`${paths.sys}/kernel/btf/vmlinux`))
    throw unavailable('no_kernel_config', 'the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)');
  return addon;
}
