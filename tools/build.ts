/**
 * Builds everything that runs into `dist/`: the addon, the eBPF objects, the bundle. What the toolchain cannot build is
 * left out with a warning, and the agent runs without it; `--require-native` makes that an error.
 */
import { globSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { buildAddon } from './build-addon.ts';
import { buildBpf } from './build-bpf.ts';

const root = join(import.meta.dirname, '..');

/**
 * OpenTelemetry's ES modules make a require() of their own to load parts late: at run time that would find a second copy
 * of what the bundle holds, or nothing. As plain require() it is bundled, and still runs late.
 */
const requireAtBuildTime: Plugin = {
  name: 'require-at-build-time',
  setup(build) {
    build.onLoad({ filter: /@opentelemetry\/.*\.mjs$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll('__require("', 'require("'),
    }));
  },
};

/** The bundle, that of the thread that reads logs, and what sends them; `AGENT_VERSION` becomes the version of package.json. */
async function bundle(): Promise<void> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  await build({
    absWorkingDir: root,
    entryPoints: {
      agent: 'src/main.ts',
      logs: 'src/logs/worker.ts',
      'log-export': 'src/telemetry/log-export.ts',
    },
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    plugins: [requireAtBuildTime],
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'linked',
    logLevel: 'warning',
    define: { AGENT_VERSION: JSON.stringify(version) },
    // Dependencies that are CommonJS inside call require() for what Node itself offers.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  });
}

/** Runs one native step; false when it failed. What an earlier build left must not be taken for this one. */
async function native(what: string, outputs: readonly string[], step: () => unknown): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    for (const output of outputs) rmSync(join(root, output), { force: true });
    console.error(`build: ${what} left out: ${(error as Error).message}`);
    return false;
  }
}

const startedMs = performance.now();
const addon = await native('the native addon', ['dist/addon.node'], () => buildAddon());
const bpf = await native('the eBPF programs', globSync('dist/*.bpf.o', { cwd: root }), buildBpf);
await bundle();
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
console.error(
  `build: dist/agent.js, ${Math.round(statSync(join(root, 'dist/agent.js')).size / 1024)} KiB, ${seconds} s`,
);
if (!(addon && bpf)) {
  console.error('build: the agent will run without what was left out; node metrics work');
  if (process.argv.includes('--require-native')) process.exitCode = 1;
}
