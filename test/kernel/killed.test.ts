import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { atLeast, counted, ownLoad, startCounting, until, skipWalks } from './machine.ts';

const port = '21704';
/** How often the agent is killed. */
const kills = Number(process.env['TRUTH_KILLS'] ?? 20);
const withoutBpftool = spawnSync('bpftool', ['version']).status === 0 ? false : 'needs bpftool';
const own = ownLoad('killed', port);
const script = join(import.meta.dirname, 'counting-child.ts');
const hooks = process.execArgv.filter((option) => option.startsWith('--import='));

function exists(kind: 'prog' | 'map', id: number): boolean {
  return spawnSync('bpftool', [kind, 'show', 'id', String(id)]).status === 0;
}

test(
  'killed again and again under load, nothing stays in the kernel',
  { skip: skipWalks || withoutBpftool },
  async () => {
    let killed = false;
    const busy = (async (): Promise<void> => {
      while (!killed) await own.load.run('-c', own.cgroup.directory, 'connect', '127.0.0.1', port, '500');
    })();
    const left = { prog: [] as number[], map: [] as number[] };
    for (let round = 0; round < kills; round++) {
      const child = spawn(process.execPath, [...hooks, script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
      const ids = JSON.parse(line) as { programs: number[]; maps: number[] };
      assert.ok(ids.programs.every((id) => exists('prog', id)));
      left.prog.push(...ids.programs);
      left.map.push(...ids.maps);
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    killed = true;
    await busy;
    // One more where the open sockets have a map of their own.
    const mapsOfEach = atLeast(7, 0) || !atLeast(5, 12) ? 10 : 9;
    assert.deepEqual([left.prog.length, left.map.length], [4 * kills, mapsOfEach * kills]);
    await until('programs are gone', () => left.prog.every((id) => !exists('prog', id)));
    await until('maps are gone', () => left.map.every((id) => !exists('map', id)));

    const program = await startCounting();
    const { established } = await own.load.run(
      '-c',
      own.cgroup.directory,
      'connect',
      '127.0.0.1',
      port,
      '100',
    );
    const found = await counted(program, [own.cgroup.id]);
    program.close();
    assert.equal(found.get(`${own.cgroup.id} 127.0.0.1:${port}`)?.successful, established);
  },
);
