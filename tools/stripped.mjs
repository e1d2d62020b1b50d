/**
 * `node --import ./tools/stripped.mjs`: TypeScript of this tree is stripped of its types once and kept in build/stripped,
 * for every process after that. Run by itself, it does so for the whole tree: then the others may not write there.
 *
 * Node strips types with WebAssembly in each process anew. That takes seconds where the machine is emulated, and now and
 * then V8 loses its own WebAssembly code and ends the process (https://github.com/nodejs/node/issues/64500).
 */
import { globSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..');
const kept = join(root, 'build/stripped', process.version);
const changedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function stripped(path) {
  const copy = join(kept, relative(root, path));
  if (changedMs(copy) > changedMs(path)) return readFileSync(copy, 'utf8');
  const source = stripTypeScriptTypes(readFileSync(path, 'utf8'));
  try {
    const unfinished = `${copy}.${process.pid}`;
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(unfinished, source);
    renameSync(unfinished, copy);
  } catch {
    // Somebody else's tree: the next process strips for itself.
  }
  return source;
}

/** Not of dependencies: theirs is JavaScript. */
const isOurs = (path) =>
  path.startsWith(`${root}/`) && !path.includes('/node_modules/') && path.endsWith('.ts');

if (process.argv[1] === import.meta.filename) {
  for (const path of globSync('{src,config,test,tools}/**/*.ts', { cwd: root })) stripped(join(root, path));
} else {
  registerHooks({
    load(url, context, nextLoad) {
      const path = url.startsWith('file:') ? fileURLToPath(url) : '';
      if (!isOurs(path)) return nextLoad(url, context);
      return { format: 'module', source: stripped(path), shortCircuit: true };
    },
  });
}
