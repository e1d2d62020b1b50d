/**
 * Compiles `ebpf/*.bpf.c` to `dist/*.bpf.o` for the Linux of any build: the objects relocate themselves (CO-RE).
 * Needs clang and the headers of the pinned libbpf, which the build of the addon unpacks; no kernel headers.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const libbpfHeaders = join(root, 'build/libbpf/include');

/** Compare-and-swap is known to kernels since 5.12; before, one such instruction spoils the whole object. */
const compareAndSwap = ['-mcpu=v3', '-DCOMPARE_AND_SWAP'];

/** Programs on tracepoints and iterators have the storage of sockets at hand. */
const socketStorage = '-DSOCKET_STORAGE';

/** Objects of a source and their further flags, where it is not one of the same name without any. */
const variants: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  tasks: { tasks: compareAndSwap, tasks_plain: [] },
  tcp_sockops: {
    tcp_sockops: [...compareAndSwap, socketStorage],
    tcp_sockops_open: [...compareAndSwap, socketStorage, '-DOPEN_SOCKETS'],
    tcp_sockops_plain: ['-DOPEN_SOCKETS'],
  },
  tcp_tp_btf: { tcp_tp_btf: [...compareAndSwap, socketStorage] },
  tcp_raw_tp: { tcp_raw_tp: compareAndSwap, tcp_raw_tp_plain: [] },
};

const targets: Readonly<Record<string, string>> = { x64: 'x86', arm64: 'arm64' };

/** Compiles what is older than its sources. Answers the paths of all objects; throws with a sentence when it cannot. */
export function buildBpf(): string[] {
  const headers = globSync(join(root, 'ebpf/**/*.h'));
  const sources = globSync(join(root, 'ebpf/*.bpf.c')).sort();
  return sources.flatMap((source) => {
    const name = basename(source, '.bpf.c');
    return Object.entries(variants[name] ?? { [name]: [] }).map(([variant, flags]) => {
      const object = join(root, 'dist', `${variant}.bpf.o`);
      if (changed(object, [source, ...headers, libbpfHeaders, import.meta.filename]))
        compile(source, object, flags);
      return object;
    });
  });
}

function changed(object: string, inputs: readonly string[]): boolean {
  const built = modifiedMs(object);
  return built === undefined || inputs.some((input) => (modifiedMs(input) ?? 0) > built);
}

function modifiedMs(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function compile(source: string, object: string, flags: readonly string[]): void {
  const target = targets[process.arch];
  if (target === undefined) throw new Error(`eBPF programs are not built for ${process.arch}`);
  if (modifiedMs(join(libbpfHeaders, 'bpf/bpf_helpers.h')) === undefined)
    throw new Error('the headers of libbpf are missing: build the addon first');

  mkdirSync(join(root, 'dist'), { recursive: true });
  const unfinished = `${object}.${process.pid}`;
  const options = ['-O2', '-g', '-Wall', '-Werror', '-target', 'bpf', `-D__TARGET_ARCH_${target}`, ...flags];
  run('clang', [...options, `-I${join(root, 'ebpf')}`, `-I${libbpfHeaders}`, '-c', source, '-o', unfinished]);
  run('llvm-strip', ['-g', unfinished]);
  renameSync(unfinished, object);
}

/** Debug information apart from BTF is only weight, so llvm-strip may be missing; clang may not. */
function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: 'inherit' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (command === 'clang')
      throw new Error(
        'clang is missing: it compiles the eBPF programs (on Debian: apt-get install clang llvm)',
      );
  }
}

if (import.meta.main) buildBpf();
