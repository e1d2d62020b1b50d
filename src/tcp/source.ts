import type { TcpProgram } from '../kernel/tcp-program.ts';
import { monotonicNs } from './collector.ts';
import { withOpenConnections } from './procfs/reading.ts';
import { walkProcfs, type ProcfsDeps } from './procfs/walk.ts';

export interface ConnectionSource {
  readonly program: Pick<TcpProgram, 'read' | 'take'>;
  /** Source by feature, of the features that work. */
  readonly sources: ReadonlyMap<'tcp' | 'tcp_active', string>;
}

/** What the kernel's programs do not tell is read from procfs: open connections, not how many there were. */
export function connectionSource(program: TcpProgram | undefined, procfs: ProcfsDeps): ConnectionSource {
  const sources = new Map<'tcp' | 'tcp_active', string>();
  if (program !== undefined) sources.set('tcp', program.source);
  sources.set('tcp_active', program?.walks ? 'iterator' : 'procfs');
  if (program?.walks) return { program, sources };
  return { program: withOpenConnections(program, () => walkProcfs(procfs), monotonicNs), sources };
}
