import { text } from '../values/scalar.ts';
import type { OptionTable } from './option.ts';

export const cloud = {
  provider: { type: text, default: '', help: 'Overrides the cloud provider.' },
  region: { type: text, default: '', help: 'Overrides the region.' },
  'availability-zone': { type: text, default: '', help: 'Overrides the availability zone.' },
  'instance-type': { type: text, default: '', help: 'Overrides the instance type.' },
  'instance-life-cycle': {
    type: text,
    default: '',
    help: 'Overrides the life cycle of the instance, such as spot or on-demand.',
  },
} satisfies OptionTable;
