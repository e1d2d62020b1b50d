/** What goes wrong around virtual machines: said clearly, and nothing is left behind. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { until } from '../kernel/machine.ts';

const root = join(import.meta.dirname, '../..');
const skip =
  process.getuid?.() !== 0 ? 'needs root' : !existsSync('/etc/debian_version') ? 'needs Debian' : false;
const kernel = '5.10';
const vm = join(import.meta.dirname, 'vm.sh');

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** Runs a command to its end; what it said on standard error and output. */
function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { env: { ...process.env, TEST_EVIDENCE: '', ...env } },
      (error, out, err) => resolve({ code: error === null ? 0 : child.exitCode, said: `${out}${err}` }),
    );
  });
}

/** Processes that belong to the runs of the given script. */
function processesOf(pid: number): string[] {
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      return execFileSync('cat', [`/proc/${entry}/cmdline`], { stdio: ['ignore', 'pipe', 'ignore'] })
        .toString()
        .includes(`.${kernel}-${pid}/`);
    } catch {
      return false;
    }
  });
}

function start(t: TestContext, ...command: string[]): ChildProcess {
  const child = spawn(vm, [kernel, ...command], {
    env: { ...process.env, TEST_EVIDENCE: '' },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'nodes-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('exit codes and output come back, the tree cannot be written to', { skip }, async () => {
  const { code, said } = await run(vm, [kernel, 'sh', '-c', 'uname -r; touch README.md; exit 7']);
  assert.equal(code, 7);
  assert.match(said, /^5\.10\./m);
  assert.match(said, /README\.md.*Read-only file system/);
  assert.ok(existsSync(join(root, `build/vm/${kernel}/journal.log`)), 'the journal is kept');
});

test('a guest that hangs is taken down', { skip }, async () => {
  const { code, said } = await run(vm, [kernel, 'sleep', '1000'], { VM_TIMEOUT: '2' });
  assert.equal(code, 125);
  assert.match(said, /no end after 2 s: hung/);
  assert.match(said, /console and journal are in build\/vm\/5\.10/);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  test(`${signal} leaves no process and, for the next run, no folder`, { skip }, async (t) => {
    const child = start(t, 'sleep', '1000');
    const exited = once(child, 'exit');
    await until('qemu and virtiofsd run', () => processesOf(child.pid!).length >= 2);
    await sleep(500);
    child.kill(signal);
    await exited;
    await until('both are gone', () => processesOf(child.pid!).length === 0);
    if (signal === 'SIGKILL') await run(vm, [kernel, 'true'], { VM_TIMEOUT: '0' });
    assert.ok(!existsSync(join(root, `build/vm/.${kernel}-${child.pid}`)), 'its folder is gone');
  });

test('what is missing is said', { skip }, async (t) => {
  const unknown = await run(vm, ['4.4', 'true']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.said, /no kernel 4\.4 in test\/nodes\/kernels/);

  const small = folder(t);
  const onSmall = `mount -t tmpfs -o size=10m small ${small} && XDG_CACHE_HOME=${small} test/nodes/root.sh`;
  const full = await run('unshare', ['-m', 'sh', '-c', onSmall], {});
  assert.equal(full.code, 1);
  assert.match(full.said, /node-root needs 3000 MB below .*, which has \d+ MB/);

  const offline = await run('unshare', ['-n', 'test/nodes/kernel.sh', kernel], { XDG_CACHE_HOME: folder(t) });
  assert.equal(offline.code, 1);
  assert.match(offline.said, /cannot fetch the package lists of bullseye: a network is needed once/);
});

test(
  'interrupted while it is made, a kernel is whole the next time; two makers wait for each other',
  { skip },
  async (t) => {
    const env = { XDG_CACHE_HOME: folder(t) };
    const first = spawn('test/nodes/kernel.sh', [kernel], { env: { ...process.env, ...env }, stdio: 'pipe' });
    t.after(() => first.kill('SIGKILL'));
    let said = '';
    first.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    await until('it fetches', () => said.includes('fetching'));
    await sleep(300);
    first.kill('SIGKILL');
    await once(first, 'exit');

    const both = await Promise.all([1, 2].map(() => run('test/nodes/kernel.sh', [kernel], env)));
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
      both.map((one) => one.said).join('\n'),
    );
    assert.ok(
      both.some((one) => one.said.includes('another run is making node-kernel-5.10: waiting for it')),
    );
    const made = both[0]!.said
      .trim()
      .split('\n')
      .find((line) => line.startsWith('/'))!;
    for (const file of ['vmlinux', 'initrd.cpio', 'modules.ext4', 'release'])
      assert.ok(existsSync(join(made, file)), file);
    const again = await run('unshare', ['-n', 'test/nodes/kernel.sh', kernel], env);
    assert.equal(again.code, 0, 'without a network what is there is used');
  },
);
