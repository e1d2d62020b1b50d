import { cidrs } from '../values/network.ts';
import { portRanges } from '../values/ports.ts';
import { count, flag, text } from '../values/scalar.ts';
import { listOf } from '../values/value.ts';
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
  'disable-pinger': {
    type: flag,
    default: 'false',
    help: 'Destinations are not pinged.',
    aliases: ['no-ping-upstreams'],
    waitsFor: 'pinger',
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
    type: listOf(text),
    default: '',
    help: 'HTTP requests whose path matches this glob are not counted; * also crosses slashes.',
    waitsFor: 'L7 tracing',
  },
} satisfies OptionTable;
