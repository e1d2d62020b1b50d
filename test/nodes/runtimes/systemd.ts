import { until } from './base/node.ts';
import type { Runtime } from './runtime.ts';

/** systemd with its journal. What it runs are services. */
export const runtime: Runtime = {
  init: ['/lib/systemd/systemd', '--show-status=0'],

  async start(node) {
    await until('systemd', () => node.exec('systemctl', 'is-system-running', '--wait'));
  },

  async run(node, { name, command, labels = {}, memoryLimitBytes }) {
    const properties = [
      ...Object.entries(labels).map(([label, value]) => `--property=LogExtraFields=${label}=${value}`),
      ...(memoryLimitBytes === undefined ? [] : [`--property=MemoryMax=${memoryLimitBytes}`]),
    ];
    const unit = `${name}.service`;
    await node.exec('systemd-run', '--quiet', '--unit', unit, ...properties, ...command);
    return {
      knownAs: `/system.slice/${unit}`,
      output: () => node.exec('journalctl', '--quiet', '--output=cat', `_SYSTEMD_UNIT=${unit}`),
    };
  },
};
