/** Application types of containers on this machine: while processes that are called so live. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileC } from '../compile.ts';
import { agentUnder, direct } from '../faults/agent.ts';
import { skip } from '../kernel/machine.ts';
import { until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { everybody, makePlace, workProgram, type Work } from './tree.ts';

const family = 'container_application_type';

test('types come and go with the processes', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'programs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const agent = await agentUnder(t, direct, { args: everybody });
  const place = makePlace(`applications-${process.pid}.service`);
  const start = (name: string, program = workProgram()): Promise<Work> => {
    copyFileSync(program, join(folder, name));
    return place.workAs(join(folder, name), 'burn', '1');
  };
  const shows = async (...wanted: string[]): Promise<void> => {
    let shown: string[] = [];
    await until(
      'the types',
      async () => {
        const keys = [...(await agent.series()).keys()].filter(
          (key) => key.startsWith(`${family}{`) && key.includes(`"${place.path}"`),
        );
        shown = keys.map((key) => /application_type="([^"]*)"/.exec(key)?.[1] ?? '').sort();
        return shown.join() === wanted.join() || undefined;
      },
      20_000,
    ).catch(() => {});
    assert.deepEqual(shown, wanted);
  };
  const redis = await start('redis-server');
  await shows('redis');
  const python = await start('python3.11');
  await start('unheard-of');
  await shows('python', 'redis');
  await redis.end();
  await shows('python');
  await python.end();
  await shows();
  // By the program file, whatever its name.
  const compiled = (source: string): string => compileC(join(import.meta.dirname, source));
  const etcd = await start('etcd', compiled('golang.c'));
  const rust = await start('something', compiled('rust.c'));
  await shows('etcd', 'golang', 'rust');
  await Promise.all([etcd.end(), rust.end()]);
  await shows();
  proves(t, family);
});
