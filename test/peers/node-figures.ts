/** Figures of a node by the agent's names, of the agent's page and of node_exporter's. Pure. */
import { seriesOf } from './peer.ts';

export interface Figures {
  /** By `<family> <device, interface or cpu mode>`. */
  readonly counters: ReadonlyMap<string, number>;
  /** Bytes by family, kB taken for 1,000 bytes, as the agent does. */
  readonly memory: ReadonlyMap<string, number>;
  /** `<family> <label values>` of what does not change, sorted. */
  readonly constants: readonly string[];
}

/** Labels that say which one of a family a series is. */
const which = ['mode', 'device', 'interface'];

function labelsOf(key: string): Map<string, string> {
  return new Map([...key.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]));
}

export function agentFigures(page: string): Figures {
  const counters = new Map<string, number>();
  const memory = new Map<string, number>();
  const constants: string[] = [];
  for (const [key, value] of seriesOf(page)) {
    const family = key.slice(0, key.indexOf('{'));
    const labels = labelsOf(key);
    const name = which.map((label) => labels.get(label)).find((text) => text !== undefined);
    if (/^node_resources_memory_/.test(family)) memory.set(family, value);
    else if (family === 'node_resources_cpu_usage_seconds_total')
      counters.set(`${family} cpu ${name}`, value);
    else if (/^node_(resources_disk|net_received|net_transmitted)_.*_total$/.test(family))
      counters.set(`${family} ${name}`, value);
    else if (family === 'node_resources_cpu_logical_cores') constants.push(`${family} ${value}`);
    else if (family === 'node_net_interface_up') constants.push(`${family} ${name} ${value}`);
    else if (family === 'node_net_interface_ip') constants.push(`${family} ${name} ${labels.get('ip')}`);
    else if (family === 'node_info')
      constants.push(`${family} ${labels.get('hostname')} ${labels.get('kernel_version')}`);
  }
  return { counters, memory, constants: constants.sort() };
}

const families: Readonly<Record<string, string>> = {
  node_disk_reads_completed_total: 'node_resources_disk_reads_total',
  node_disk_writes_completed_total: 'node_resources_disk_writes_total',
  node_disk_read_bytes_total: 'node_resources_disk_read_bytes_total',
  node_disk_written_bytes_total: 'node_resources_disk_written_bytes_total',
  node_disk_read_time_seconds_total: 'node_resources_disk_read_time_seconds_total',
  node_disk_write_time_seconds_total: 'node_resources_disk_write_time_seconds_total',
  node_disk_io_time_seconds_total: 'node_resources_disk_io_time_seconds_total',
  node_network_receive_bytes_total: 'node_net_received_bytes_total',
  node_network_receive_packets_total: 'node_net_received_packets_total',
  node_network_transmit_bytes_total: 'node_net_transmitted_bytes_total',
  node_network_transmit_packets_total: 'node_net_transmitted_packets_total',
  node_memory_MemTotal_bytes: 'node_resources_memory_total_bytes',
  node_memory_MemFree_bytes: 'node_resources_memory_free_bytes',
  node_memory_MemAvailable_bytes: 'node_resources_memory_available_bytes',
  node_memory_Cached_bytes: 'node_resources_memory_cached_bytes',
};

const shownDisk = /^([shv]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|md\d+|dm-\d+)$/;
const shownInterface = /^(eth|ens|eno|enp|enx|em|bond|br|vmbr)\d/;

export function exporterFigures(page: string): Figures {
  const counters = new Map<string, number>();
  const memory = new Map<string, number>();
  const constants: string[] = [];
  const cores = new Set<string>();
  for (const [key, value] of seriesOf(page)) {
    const name = key.slice(0, key.indexOf('{'));
    const labels = labelsOf(key);
    const device = labels.get('device') ?? '';
    const family = families[name];
    if (name === 'node_cpu_seconds_total') {
      const mode = `node_resources_cpu_usage_seconds_total cpu ${labels.get('mode')}`;
      counters.set(mode, (counters.get(mode) ?? 0) + value);
      cores.add(labels.get('cpu')!);
    } else if (name === 'node_uname_info')
      constants.push(`node_info ${labels.get('nodename')} ${labels.get('release')}`);
    else if (family !== undefined && name.startsWith('node_memory_'))
      memory.set(family, (value / 1024) * 1000);
    else if (family !== undefined && name.startsWith('node_disk_') && shownDisk.test(device))
      counters.set(`${family} ${device}`, value);
    else if (family !== undefined && name.startsWith('node_network_') && shownInterface.test(device))
      counters.set(`${family} ${device}`, value);
    else if (name === 'node_network_up' && shownInterface.test(device))
      constants.push(`node_net_interface_up ${device} ${value}`);
    else if (
      name === 'node_network_address_info' &&
      shownInterface.test(device) &&
      labels.get('scope') === 'global'
    )
      constants.push(`node_net_interface_ip ${device} ${labels.get('address')}`);
  }
  constants.push(`node_resources_cpu_logical_cores ${cores.size}`);
  return { counters, memory, constants: constants.sort() };
}
