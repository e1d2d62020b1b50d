import type { TcpProgram } from '../kernel/tcp-program.ts';
import { monotonicNs } from './collector.ts';
import { openConnectionsAlone, withOpenConnections } from './procfs/reading.ts';
import { walkProcfs, type ProcfsDeps, type ProcfsWalk } from './procfs/walk.ts';

export interface ConnectionSource {
  readonly program: Pick<TcpProgram, 'read' | 'take'>;
  /** Source by feature, of the features that work. */
  readonly sources: ReadonlyMap<'tcp' | 'tcp_active', string>;
}

/** What the kernel's programs do not tell is read from sock_diag and procfs: open connections, not how many there were. */
export function connectionSource(program: TcpProgram | undefined, procfs: ProcfsDeps): ConnectionSource {
  const sources = new Map<'tcp' | 'tcp_active', string>();
  if (program !== undefined) sources.set('tcp', program.source);
  sources.set('tcp_active', program?.walks ? 'iterator' : 'procfs');
  if (program?.walks) return { program, sources };
  const walk = (): Promise<ProcfsWalk> => walkProcfs(procfs);
  const reader = program
    ? withOpenConnections(program, walk, monotonicNs)
    : openConnectionsAlone(walk, monotonicNs);
  return { program: reader, sources };
}
