import { duration } from '../values/duration.ts';
import { regex } from '../values/regex.ts';
import { directory, flag } from '../values/scalar.ts';
import type { OptionTable } from './option.ts';

export const containers = {
  'cgroupfs-root': {
    type: directory,
    default: '/sys/fs/cgroup',
    help: 'Where the cgroup file system of the host is mounted.',
  },
  'container-allowlist': {
    type: regex,
    default: '',
    help: 'Only containers whose container_id this pattern matches anywhere are shown.',
  },
  'container-denylist': {
    type: regex,
    default: '',
    help: 'Containers whose container_id this pattern matches anywhere are not shown; asked before the allowlist.',
  },
  'min-container-age': {
    type: duration,
    default: '30s',
    help: 'Younger containers show nothing; 0 shows all.',
  },
  'skip-systemd-system-services': {
    type: flag,
    default: 'true',
    help: 'Hides services of the operating system itself, such as systemd-*.',
  },
} satisfies OptionTable;
