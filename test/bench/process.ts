/** What other processes cost, and how long they take to answer. */
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { statField, ticksPerSecond } from '../../src/host/process-stat.ts';

/** Seconds of CPU that a process has used, to the hundredth (proc(5): utime and stime are in ticks of 10 ms). */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return (Number(statField(text, 14)) + Number(statField(text, 15))) / ticksPerSecond;
}

/** Resident megabytes (10^6 bytes) of a process. */
export async function rssMegabytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) * 1024) / 1e6;
}

/** Bytes of a page, not looked at: what a scraper does with them is not our cost. */
export function scrape(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ port, path: '/metrics' }, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => (bytes += chunk.length)).once('end', () => resolve(bytes));
    })
      .once('error', reject)
      .end();
  });
}
