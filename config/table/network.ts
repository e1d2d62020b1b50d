import { cidrs } from '../values/network.ts';
import { portRanges } from '../values/ports.ts';
import { count, flag, oneOf, positive, texts } from '../values/scalar.ts';
import type { OptionTable } from './option.ts';

export const network = {
  'track-public-network': {
    type: cidrs,
    default: '0.0.0.0/0',
    help: 'Public network whose addresses are shown as destinations.',
  },
  'ephemeral-port-range': {
    type: portRanges,
    default: '32768-60999',
    help: 'Ports that are no services; several ranges with spaces or commas between them, an empty text for none.',
  },
  'max-destinations': {
    type: positive,
    default: '2000',
    help: 'Destinations that a container may have, half of them if connections there only fail; what goes beyond is summed under ~other:0.',
  },
  'max-node-destinations': {
    type: positive,
    default: '20000',
    help: 'Destinations of all containers together.',
  },
  'tcp-source': {
    type: oneOf(['auto', 'sockops', 'tp_btf', 'raw_tp', 'procfs']),
    default: 'auto',
    help: 'What connections are counted by: auto takes the first of the others that the kernel has. For tests, and for kernels where that one misbehaves; procfs sees open connections and what they carry.',
  },
  'enable-conntrack-events': {
    type: flag,
    default: 'false',
    help: 'Sets net.netfilter.nf_conntrack_events of the host to 1 where it is 0: without it nobody learns where connections go to behind NAT.',
  },
  'disable-pinger': {
    type: flag,
    default: 'false',
    help: 'What containers connect to is not pinged.',
    aliases: ['no-ping-upstreams'],
  },
  'disable-l7-tracing': {
    type: flag,
    default: 'false',
    help: 'Requests of application protocols are not followed.',
    waitsFor: 'L7 tracing',
  },
  'max-fqdns-per-container': {
    type: count,
    default: '50',
    help: 'Domain names that a container may have as destinations.',
    waitsFor: 'domain names',
  },
  'exclude-http-requests-by-path': {
    type: texts,
    default: '',
    help: 'HTTP requests whose path matches this glob are not counted; * also crosses slashes.',
    waitsFor: 'L7 tracing',
  },
} satisfies OptionTable;
