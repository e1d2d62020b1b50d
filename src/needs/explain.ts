import { needsOf, type Need, type Reason } from '../../config/capabilities.ts';
import { messageOf } from '../errors.ts';
import type { Explain } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import { lacking } from './lacks.ts';
import { offerOf, type Offer } from './offer.ts';

const reasonOfKind: Readonly<Record<Need['kind'], Reason>> = {
  capability: 'no_capability',
  kernel: 'old_kernel',
  config: 'no_kernel_config',
  mount: 'no_mount',
  namespace: 'no_namespace',
  sysctl: 'no_sysctl',
  lockdown: 'locked_down',
  feature: 'no_addon',
};

/** Finds out why a feature failed, by what it needs and this machine lacks. */
export function explainer(paths: HostPaths): Explain {
  let offer: Offer | undefined;
  return (feature, error, features) => {
    offer ??= offerOf(paths);
    const lacks = lacking(needsOf(feature), { paths, offer, features });
    // A feature that is off for want of something is no reason of its own; the addon is.
    const causes = lacks.filter(({ kind, name }) => kind !== 'feature' || name === 'addon');
    const [first] = causes;
    if (first === undefined) return undefined;
    const needs = causes.map(({ name, for: purpose }) => `${name} (${purpose})`).join(', ');
    return { reason: reasonOfKind[first.kind], detail: `needs ${needs}: ${messageOf(error)}` };
  };
}
