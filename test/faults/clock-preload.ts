/** Loaded before a script (`--import`): wall time is shifted by what the file FAULT_CLOCK_OFFSET holds, in milliseconds. */
import { readFileSync } from 'node:fs';

const file = process.env['FAULT_CLOCK_OFFSET'] ?? '';
const RealDate = Date;
const now = (): number => RealDate.now() + Number(readFileSync(file, 'utf8'));

globalThis.Date = new Proxy(RealDate, {
  get: (target, key): unknown => (key === 'now' ? now : Reflect.get(target, key)),
  construct: (target, args: unknown[], self) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, self as typeof Date) as Date,
  apply: () => new RealDate(now()).toString(),
});
