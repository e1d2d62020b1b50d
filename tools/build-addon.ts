/**
 * Compiles `addon/*.cc` to `dist/addon.node`, with libbpf inside. Needs a C and a C++ compiler (CC and CXX are
 * respected), libelf and zlib; the headers of Node-API come from npm packages, so any Node can build it.
 *
 * `--sanitize=address` builds `build/asan/addon.node` with the address and undefined behaviour sanitizers, which
 * `tools/sanitize.ts` runs.
 */
import { globSync, mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { buildLibbpf } from './build-libbpf.ts';
import { inParallel, isStale, run, startOverIfChanged } from './compile.ts';

const root = join(import.meta.dirname, '..');

const warnings = ['-Wall', '-Wextra', '-Werror'];
const common = ['-std=c++17', '-fPIC', '-fvisibility=hidden', '-fno-omit-frame-pointer'];

/** Swallow: nothing can be thrown into an environment that is being torn down, which is no reason to abort. */
const defines = [
  '-DNAPI_VERSION=9',
  '-DNODE_ADDON_API_CPP_EXCEPTIONS',
  '-DNODE_ADDON_API_DISABLE_DEPRECATED',
  '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
];
const optimised = ['-O2'];
const sanitized = [
  '-O1',
  '-g',
  '-fsanitize=address,undefined',
  '-fno-sanitize=vptr',
  '-fno-sanitize-recover=all',
];

/** `nodelete`: a thread that hangs in a dead file system outlives whoever loaded the addon. */
const linking = ['-shared', '-Wl,--exclude-libs,ALL', '-Wl,--gc-sections', '-Wl,-z,nodelete'];

/** Compiles what changed. Answers the path of the addon; throws with a sentence when it cannot. */
export async function buildAddon(options: { readonly sanitize?: boolean } = {}): Promise<string> {
  const libbpf = await buildLibbpf();
  const cxx = process.env['CXX'] ?? 'c++';
  const build = join(root, options.sanitize ? 'build/asan' : 'build/addon');
  const output = options.sanitize ? join(build, 'addon.node') : join(root, 'dist/addon.node');
  const style = options.sanitize ? sanitized : optimised;
  const includes = [libbpf.include, ...nodeHeaders()].flatMap((path) => ['-isystem', path]);
  const compiling = [...common, ...style, ...warnings, ...defines, ...includes];
  startOverIfChanged(build, [cxx, process.arch, ...compiling, ...linking]);

  const sources = globSync(join(root, 'addon/*.cc')).sort();
  const headers = globSync(join(root, 'addon/*.h'));
  const objectOf = (source: string): string => join(build, `${basename(source, '.cc')}.o`);
  await inParallel(sources, async (source) => {
    const object = objectOf(source);
    if (isStale(object, [source, ...headers])) await run(cxx, [...compiling, '-c', source, '-o', object]);
  });

  const objects = [...sources.map(objectOf), libbpf.library];
  // The directory too: it changes when a file goes.
  if (isStale(output, [...objects, join(root, 'addon')])) {
    mkdirSync(dirname(output), { recursive: true });
    const unfinished = `${output}.${process.pid}`;
    await run(cxx, [...linking, ...style, ...objects, '-lelf', '-lz', '-pthread', '-o', unfinished]);
    renameSync(unfinished, output);
  }
  return output;
}

function nodeHeaders(): string[] {
  const require = createRequire(import.meta.url);
  return [
    join(dirname(require.resolve('node-api-headers/package.json')), 'include'),
    dirname(require.resolve('node-addon-api/package.json')),
  ];
}

if (import.meta.main) {
  try {
    console.log(await buildAddon({ sanitize: process.argv.includes('--sanitize=address') }));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
