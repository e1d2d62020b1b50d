/** The pinned libbpf, from `addon/deps`: a static library and the headers that the addon and `ebpf/` are built with. */
import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inParallel, isStale, run, startOverIfChanged } from './compile.ts';

const root = join(import.meta.dirname, '..');
const tarball = join(root, 'addon/deps/libbpf-1.5.1.tar.gz');
const sha256 = 'af1189e0d3fe2661b4348e76d29c1384534ce7d7952917d708bae64c2fbff905';
const directory = join(root, 'build/libbpf');

/** As in libbpf's own Makefile, for a static library that goes into a shared one. */
const flags = [
  '-O2',
  '-g0',
  '-fPIC',
  '-fvisibility=hidden',
  '-std=gnu89',
  '-w',
  '-D_LARGEFILE64_SOURCE',
  '-D_FILE_OFFSET_BITS=64',
];
const includes = ['-Isrc', '-Iinclude', '-Iinclude/uapi'];

const publicHeaders = 'src/{bpf,libbpf,btf,skel_internal,usdt}*.h';
const kernelHeaders = 'include/uapi/linux/{bpf,bpf_common,btf}.h';

export interface Libbpf {
  /** Path of `libbpf.a`. */
  readonly library: string;
  /** Offers `bpf/*.h` and `linux/bpf.h`. */
  readonly include: string;
}

/** Unpacks and compiles what is not there yet. */
export async function buildLibbpf(): Promise<Libbpf> {
  const cc = process.env['CC'] ?? 'cc';
  const libbpf = { library: join(directory, 'libbpf.a'), include: join(directory, 'include') };
  startOverIfChanged(directory, [sha256, cc, process.arch, ...flags]);
  if (!isStale(libbpf.library, [])) return libbpf;

  const source = join(directory, 'source');
  await unpack(source);
  collectHeaders(source, libbpf.include);
  await compile(cc, source, libbpf.library);
  return libbpf;
}

async function unpack(source: string): Promise<void> {
  const found = createHash('sha256').update(readFileSync(tarball)).digest('hex');
  if (found !== sha256) throw new Error(`${tarball} is not the pinned libbpf: sha256 ${found}`);
  rmSync(source, { recursive: true, force: true });
  mkdirSync(source);
  await run('tar', ['-xzf', tarball, '-C', source, '--strip-components=1']);
}

function collectHeaders(source: string, include: string): void {
  const copy = (pattern: string, to: string): void => {
    for (const header of globSync(pattern, { cwd: source }))
      cpSync(join(source, header), join(include, to, basename(header)), { preserveTimestamps: true });
  };
  copy(publicHeaders, 'bpf');
  copy(kernelHeaders, 'linux');
}

async function compile(cc: string, source: string, library: string): Promise<void> {
  const sources = globSync('src/*.c', { cwd: source }).sort();
  await inParallel(sources, async (file) => {
    await run(cc, [...flags, ...includes, '-c', file, '-o', objectOf(file)], source);
  });
  const unfinished = `${library}.${process.pid}`;
  await run('ar', ['rcs', unfinished, ...sources.map(objectOf)], source);
  renameSync(unfinished, library);
}

function objectOf(file: string): string {
  return `${basename(file, '.c')}.o`;
}
