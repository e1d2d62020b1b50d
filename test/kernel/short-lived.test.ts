import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Features } from '../../src/features.ts';
import type { CgroupEvent } from '../../src/kernel/cgroup-event.ts';
import { startCgroupEvents } from '../../src/kernel/cgroup-events.ts';
import type { RingSource } from '../../src/kernel/ring-object.ts';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import * as machine from './machine.ts';
import { skip, type Load } from './machine.ts';

const port = '21701';
const events: CgroupEvent[] = [];
let load: Load;
let source: RingSource | undefined;

before(async () => {
  if (skip !== false) return;
  load = machine.compileLoad();
  source = await startCgroupEvents(
    machine.addon(),
    machine.bpfObject('cgroup'),
    machine.hierarchy,
    machine.paths,
    new Features(),
    (batch) => events.push(...batch),
  );
  await load.start('serve', port);
});

after(() => {
  load?.close();
  source?.close();
});

async function expectAttributed(program: TcpProgram): Promise<void> {
  const made = new Map<number, string>();
  const one = async (index: number): Promise<void> => {
    const cgroup = machine.makeCgroup(
      `/system.slice/brief-${program.source}-${process.pid}-${index}.service`,
    );
    made.set(cgroup.id, cgroup.path);
    const result = await load.run('-c', cgroup.directory, 'connect', '127.0.0.1', port, '1');
    assert.equal(result.established, 1);
    cgroup.remove();
  };
  for (let index = 0; index < 200; index += 8)
    await Promise.all(Array.from({ length: 8 }, (_, offset) => one(index + offset)));

  const seen = (kind: CgroupEvent['kind']): Map<number, string> =>
    new Map(
      events
        .filter((event) => event.kind === kind && made.has(event.cgroupId))
        .map((e) => [e.cgroupId, e.path]),
    );
  await machine.until('all cgroups are announced', () => seen('removed').size === 200);
  assert.deepEqual(seen('created'), made);
  assert.deepEqual(seen('removed'), made);

  const counts = await machine.counted(program, [...made.keys()]);
  assert.deepEqual(
    new Map([...counts].map(([key, { successful }]) => [key, successful])),
    new Map([...made.keys()].map((id) => [`${id} 127.0.0.1:${port}`, 1])),
    'one connect in each of 200 cgroups',
  );
  assert.deepEqual(source?.figures().ringDropped, { cgroup_events: 0 });
}

machine.forEachSource((source, skip) => {
  test('200 processes that connect once and die with their cgroup are all attributed', { skip }, async () => {
    const program = await machine.startCounting({ source });
    try {
      await expectAttributed(program);
    } finally {
      program.close();
    }
  });
}, false);
