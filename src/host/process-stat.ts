/** Of times in procfs: USER_HZ is 100 on every Linux architecture we run on. */
export const ticksPerSecond = 100;

/**
 * Field `number` (from 3 on) in the text of /proc/<pid>/stat (proc_pid_stat(5)); undefined where it is missing or may be cut short.
 * The command, field 2, may hold blanks and parentheses: fields are counted from the last `)`.
 */
export function statField(text: string | undefined, number: number): string | undefined {
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  return fields.length > number - 2 ? fields[number - 3] : undefined;
}
