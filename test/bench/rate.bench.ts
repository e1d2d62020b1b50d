/** What the running agent and its programs use while 10,000 connections a second are made, against what they use when idle. */
import { spawn } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileLoad, makeCgroup, skip } from '../kernel/machine.ts';
import { cpuSeconds, scrape } from './process.ts';
import { report } from './table.ts';

const [rate, seconds, pagePort, port] = [10_000, 20, 19465, '21797'];
const bundle = join(import.meta.dirname, '../../dist/agent.js');
const statistics = '/proc/sys/kernel/bpf_stats_enabled';

if (skip === false) await bench();
else console.log(`rate: not run, ${skip}`);

async function bench(): Promise<void> {
  const load = compileLoad();
  const cgroup = makeCgroup(`/system.slice/bench-${process.pid}.service`);
  const before = readFileSync(statistics, 'utf8');
  const agent = spawn(
    process.execPath,
    ['--max-semi-space-size=1', bundle, '--listen', `127.0.0.1:${pagePort}`, '--log-level', 'error'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, MALLOC_ARENA_MAX: '1', OTEL_METRICS_EXPORTER: 'prometheus' },
    },
  );
  const pid = agent.pid ?? 0;
  try {
    writeFileSync(statistics, '1');
    await load.start('serve', port);
    while ((await scrape(pagePort).catch(() => 0)) === 0) await sleep(100);
    await sleep(10_000);
    const idle = await during(pid, () => sleep(seconds * 1000));
    const count = String(rate * seconds);
    const busy = await during(pid, () =>
      load.run('-c', cgroup.directory, '-r', String(rate), 'connect', '127.0.0.1', port, count),
    );
    const made = (rate * seconds) / busy.seconds;
    report('the agent while connections are made, scraped every 5 s', [
      { name: 'connections made', value: made, unit: '/s' },
      { name: 'programs', value: (busy.programs - idle.programs) * 100, unit: '% of a core' },
      { name: 'agent, idle', value: idle.agent * 100, unit: '% of a core' },
      {
        name: 'agent, more than idle',
        value: (busy.agent - idle.agent) * 100,
        unit: '% of a core',
        budget: 0.2,
      },
      { name: 'both', value: (busy.agent + busy.programs) * 100, unit: '% of a core', budget: 12 },
    ]);
  } finally {
    writeFileSync(statistics, before);
    agent.kill('SIGTERM');
    load.close();
    cgroup.remove();
  }
}

/** Cores that the agent and its programs have used while the work was done and the page was read. */
async function during(
  pid: number,
  work: () => Promise<unknown>,
): Promise<{ seconds: number; agent: number; programs: number }> {
  const scrapes = setInterval(() => void scrape(pagePort), 5000);
  const [startMs, cpu, ns] = [performance.now(), await cpuSeconds(pid), programNs(pid)];
  await work();
  clearInterval(scrapes);
  const taken = (performance.now() - startMs) / 1000;
  return {
    seconds: taken,
    agent: ((await cpuSeconds(pid)) - cpu) / taken,
    programs: (programNs(pid) - ns) / 1e9 / taken,
  };
}

/** Time in the programs whose descriptors the process has, of which each counts once (proc_pid_fdinfo(5), kernel/bpf/syscall.c). */
function programNs(pid: number): number {
  const byId = new Map<string, number>();
  for (const file of globSync(`/proc/${pid}/fdinfo/*`)) {
    const text = readFileSync(file, 'utf8');
    const [, ns] = /^run_time_ns:\s+(\d+)$/m.exec(text) ?? [];
    const [, id] = /^prog_id:\s+(\d+)$/m.exec(text) ?? [];
    if (ns !== undefined && id !== undefined) byId.set(id, Number(ns));
  }
  return [...byId.values()].reduce((sum, each) => sum + each, 0);
}
