import { AgentError } from '../errors.ts';

/** A kernel file that does not say what it should. `EBADMSG`; the samples of the subject are left out. */
export function malformed(path: string, what: string): AgentError {
  return new AgentError('EBADMSG', `${path}: ${what}`, { path });
}

/** Lines that are complete: the kernel ends every line, so one without an end was cut short. */
export function completeLines(text: string): string[] {
  const lines = text.split('\n');
  lines.pop();
  return lines;
}
