import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import {
  compileLoad,
  makeCgroup,
  skip,
  startCounting,
  counted,
  until,
  type Cgroup,
  type Load,
} from './machine.ts';

const port = '21704';
/** How often the agent is killed. */
const kills = Number(process.env['TRUTH_KILLS'] ?? 20);
const withoutBpftool = spawnSync('bpftool', ['version']).status === 0 ? false : 'needs bpftool';
let load: Load;
let cgroup: Cgroup;

before(async () => {
  if (skip !== false) return;
  load = compileLoad();
  cgroup = makeCgroup(`/system.slice/killed-${process.pid}.service`);
  await load.start('serve', port);
});

after(() => {
  load?.close();
  cgroup?.remove();
});

function exists(kind: 'prog' | 'map', id: number): boolean {
  return spawnSync('bpftool', [kind, 'show', 'id', String(id)]).status === 0;
}

test(
  'killed again and again under load, nothing stays in the kernel',
  { skip: skip || withoutBpftool },
  async () => {
    let killed = false;
    const busy = (async (): Promise<void> => {
      while (!killed) await load.run('-c', cgroup.directory, 'connect', '127.0.0.1', port, '500');
    })();
    const left = { prog: [] as number[], map: [] as number[] };
    for (let round = 0; round < kills; round++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'counting-child.ts')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
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
    assert.equal(left.prog.length, 2 * kills);
    assert.ok(left.map.length >= 3 * kills);
    await until('programs are gone', () => left.prog.every((id) => !exists('prog', id)));
    await until('maps are gone', () => left.map.every((id) => !exists('map', id)));

    const program = await startCounting();
    const { established } = await load.run('-c', cgroup.directory, 'connect', '127.0.0.1', port, '100');
    const found = await counted(program, [cgroup.id]);
    program.close();
    assert.equal(found.get(`${cgroup.id} 127.0.0.1:${port}`)?.successful, established);
  },
);
