import { duration } from '../values/duration.ts';
import { regex } from '../values/regex.ts';
import { count, directory, flag } from '../values/scalar.ts';
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
    help: 'Younger containers show nothing, and are counted by node_agent_hidden_containers; 0 shows all.',
  },
  'max-containers': {
    type: count,
    default: '5000',
    help: 'Containers that run beyond this number are summed under the container_id /~other.',
  },
  'skip-systemd-system-services': {
    type: flag,
    default: 'true',
    help: 'Hides services of the operating system itself, such as systemd-*, those of type oneshot and dbus, and those that a timer starts.',
  },
  'track-scopes': {
    type: flag,
    default: 'false',
    help: 'Shows scopes of the system that no container runtime made, such as virtual machines, as /scope/NAME.',
  },
  'all-volumes': {
    type: flag,
    default: 'false',
    help: 'Shows also mounts that nobody wrote to, read-only ones and those of no block device, such as tmpfs and NFS.',
  },
} satisfies OptionTable;
