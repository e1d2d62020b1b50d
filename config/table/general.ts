import { count, flag, oneOf, path, rate } from '../values/scalar.ts';
import { size } from '../values/size.ts';
import type { OptionTable } from './option.ts';

export const general = {
  config: {
    type: path,
    default: '',
    help: 'YAML or JSON file with options: keys are the names of the flags without dashes in front.',
    envs: ['OTEL_NODE_AGENT_CONFIG'],
    notInFile: true,
  },
  'log-level': {
    type: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
    default: 'info',
    help: 'Least important level that the agent logs itself.',
  },
  'log-per-second': {
    type: rate,
    default: '10',
    help: 'Lines a second that the agent may log in the long run; what exceeds it is counted and dropped.',
  },
  'log-burst': {
    type: count,
    default: '100',
    help: 'Lines that the agent may log at once before --log-per-second holds it back.',
  },
  'state-dir': {
    type: path,
    default: '',
    help: 'Directory for what outlives a restart; nothing is kept without it.',
    aliases: ['wal-dir'],
    envs: ['STATE_DIR', 'WAL_DIR'],
  },
  'max-spool-size': {
    type: size,
    default: '500MB',
    help: 'Bound of the spool in --state-dir.',
    waitsFor: 'spool',
  },
  help: { type: flag, default: 'false', help: 'Shows this text (also -h).', envs: [], notInFile: true },
  version: { type: flag, default: 'false', help: 'Shows the version.', envs: [], notInFile: true },
} satisfies OptionTable;
