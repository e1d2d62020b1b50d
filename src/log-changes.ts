import type { Logger } from 'pino';
import { codeOf, messageOf } from './errors.ts';

export interface ChangeLog {
  /** Says it unless the same subject is known to fail with the same code. */
  failed(subject: string, error: unknown): void;
  /** Says it when the subject failed before. */
  works(subject: string): void;
}

/** More subjects than this are not told apart: their failures are not logged. */
const maxSubjects = 1000;

/** Logs failures that may last: one line when the state of a subject changes. */
export function changeLog(logger: Logger): ChangeLog {
  const codes = new Map<string, string>();
  return {
    failed(subject, error) {
      const code = codeOf(error);
      if (codes.get(subject) === code || (codes.size >= maxSubjects && !codes.has(subject))) return;
      codes.set(subject, code);
      logger.warn({ code, reason: messageOf(error) }, `${subject} fails`);
    },
    works(subject) {
      if (codes.delete(subject)) logger.info(`${subject} works again`);
    },
  };
}
