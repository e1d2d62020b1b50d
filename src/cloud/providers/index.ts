import type { Provider } from '../provider.ts';
import { alibaba } from './alibaba.ts';
import { aws } from './aws.ts';
import { azure } from './azure.ts';
import { digitalOcean } from './digitalocean.ts';
import { gcp } from './gcp.ts';
import { hetzner } from './hetzner.ts';
import { ibm } from './ibm.ts';
import { oracle } from './oracle.ts';
import { scaleway } from './scaleway.ts';

/** By the name in the label `provider`. */
export const providers = {
  AWS: aws,
  GCP: gcp,
  Azure: azure,
  Hetzner: hetzner,
  DigitalOcean: digitalOcean,
  Alibaba: alibaba,
  Scaleway: scaleway,
  IBM: ibm,
  Oracle: oracle,
} as const satisfies Record<string, () => Provider>;

export type ProviderName = keyof typeof providers;
