import { flag, text } from '../values/scalar.ts';
import type { OptionTable } from './option.ts';

export const cloud = {
  provider: {
    type: text,
    default: '',
    help: 'Overrides the cloud provider; with none no metadata service is asked.',
  },
  region: { type: text, default: '', help: 'Overrides the region.' },
  'availability-zone': { type: text, default: '', help: 'Overrides the availability zone.' },
  'instance-type': { type: text, default: '', help: 'Overrides the instance type.' },
  'instance-life-cycle': {
    type: text,
    default: '',
    help: 'Overrides the life cycle of the instance, such as spot or on-demand.',
  },
  'disable-termination-notices': {
    type: flag,
    default: 'false',
    help: 'Does not ask whether the cloud will take the machine away.',
  },
} satisfies OptionTable;
