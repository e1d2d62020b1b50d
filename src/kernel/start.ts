import { existsSync } from 'node:fs';
import { AgentError, codeOf, messageOf } from '../errors.ts';
import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon } from '../native/addon.ts';

/** The feature cannot work here; `reason` is the short token that `Features` shows. */
export function unavailable(reason: string, message: string): AgentError & { readonly reason: string } {
  return Object.assign(new AgentError('UNSUPPORTED', message), { reason });
}

/** Runs the steps that start a feature. Whatever they throw switches it off with a reason; nothing is thrown on. */
export async function startFeature<T>(
  feature: string,
  features: Features,
  steps: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const started = await steps();
    features.set(feature, true);
    return started;
  } catch (error) {
    features.set(feature, false, reasonOf(error), messageOf(error));
    return undefined;
  }
}

/** What every program needs: our addon, and a kernel that describes its own types, to which programs are fitted. */
export function requireBpf(addon: Addon | undefined, paths: HostPaths): Addon {
  if (addon === undefined) throw unavailable('no_addon', 'the native addon could not be loaded');
  if (!existsSync(`${paths.sys}/kernel/btf/vmlinux`))
    throw unavailable('no_btf', 'the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)');
  return addon;
}

/** The verifier answers EACCES too; what tells it from a lack of rights is its log. */
function reasonOf(error: unknown): string {
  const { reason, verifierLog } = error as { reason?: unknown; verifierLog?: unknown };
  if (typeof reason === 'string') return reason;
  if (codeOf(error) === 'EPERM' || (codeOf(error) === 'EACCES' && !verifierLog)) return 'no_permission';
  return 'kernel';
}
