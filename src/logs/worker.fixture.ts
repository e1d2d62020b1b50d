/** The thread that reads logs, which dies as a file wants it, and of what is poison to it. */
import { readFileSync, rmSync } from 'node:fs';

const path = process.env['LOGS_TEST_DEATH']!;
const bytes = Buffer.prototype as Buffer;
// eslint-disable-next-line @typescript-eslint/unbound-method
const { toString } = bytes;
bytes.toString = function (this: Buffer, ...rest: Parameters<Buffer['toString']>): string {
  const text = toString.apply(this, rest);
  if (text.startsWith('POISON'))
    queueMicrotask(() => {
      throw new Error('poison');
    });
  return text;
};

function die(how: string): void {
  rmSync(path);
  if (how === 'throw') throw new Error('it is time to die');
  const all: unknown[] = [];
  for (;;) all.push(new Array(1 << 20).fill(1.5));
}

setInterval(() => {
  let how: string;
  try {
    how = readFileSync(path, 'utf8');
  } catch {
    return;
  }
  if (how !== '') die(how);
}, 10);

await import('./worker.ts');
