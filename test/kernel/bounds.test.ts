import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import { decodeKey, entriesOf, failures, otherDestination } from '../../src/tcp/reading.ts';
import { ignoredPortBits } from '../../src/tcp/ports.ts';
import {
  atLeast,
  compileLoad,
  counted,
  forEachSource,
  hierarchy,
  makeCgroup,
  skip,
  startCounting,
  type Cgroup,
  type Load,
  skipWalks,
} from './machine.ts';

const open = '21702';
/** All but those of the machine's own, where it is fast. */
const scannedPorts = Math.min(65_000, Number(process.env['TRUTH_CONNECTS'] ?? 65_000));
let load: Load;
let cgroups: Cgroup[] = [];

before(async () => {
  if (skip !== false) return;
  load = compileLoad();
  cgroups = ['a', 'b', 'c'].map((name) => makeCgroup(`/system.slice/bounds-${process.pid}-${name}.service`));
  await load.start('serve', open);
});

after(() => {
  load?.close();
  for (const cgroup of cgroups) cgroup.remove();
});

async function counting(
  options: Parameters<typeof startCounting>[0],
  body: (program: TcpProgram) => Promise<void>,
): Promise<void> {
  const program = await startCounting(options);
  try {
    await body(program);
  } finally {
    program.close();
  }
}

function refused(program: TcpProgram): Record<string, number> {
  return Object.fromEntries(program.figures().refused.map(({ map, count }) => [map, count]));
}

/** Its cgroup is that of the socket, which knows it on cgroup v2 since Linux 5.15; otherwise it is nobody's. */
async function failedWithoutRecord(program: TcpProgram, address: string): Promise<number> {
  const ids = [0, cgroups[0]!.id];
  const found = await counted(program, ids);
  const known = hierarchy.version === 2 && atLeast(5, 15);
  const key = known ? `${ids[1]} ${address}:21720` : `0 ${otherDestination}`;
  return found.get(key)?.allFailed ?? 0;
}

test('open sockets beyond their map are counted, but not as open', { skip: skipWalks }, async () => {
  const [cgroup] = cgroups as [Cgroup];
  await counting({ walked: 'tcp_open', maxSockets: 3 }, async (program) => {
    const holder = await load.start('-c', cgroup.directory, 'hold', '127.0.0.1', open, '20');
    const found = await counted(program, [cgroup.id]);
    holder.stdin?.end();
    const { successful, active } = found.get(`${cgroup.id} 127.0.0.1:${open}`)!;
    assert.equal(successful, 20);
    // Connections of the rest of the machine may have taken some of the room.
    assert.ok(active <= 3, `${active} active`);
    assert.ok(refused(program)['tcp_open']! >= 17);
  });
});

forEachSource((source, skip) => {
  test(
    'what full maps refuse is counted elsewhere, and no connect is lost',
    { skip: skip || skipWalks },
    async () => {
      // Room for nothing but three destinations and, beside the last resort, one cgroup.
      await counting({ source, maxCounts: 3, maxOverflow: 2 }, async (program) => {
        for (const { directory } of cgroups) {
          for (let port = 21710; port < 21720; port++)
            assert.equal(
              (await load.run('-c', directory, 'connect', '127.0.0.1', String(port), '7')).refused,
              7,
            );
        }
        const holder = await load.start('-c', cgroups[2]!.directory, 'hold', '127.0.0.1', open, '5');
        let failed = 0;
        let active = 0;
        let maps = { tcp_counts: 0, tcp_overflow: 0 };
        const names = new Set<string>();
        for (const { key, counts } of entriesOf(await program.read())) {
          maps = { ...maps, [key.map]: maps[key.map] + 1 };
          names.add(decodeKey(key).destination);
          failed += failures(counts.totals);
          active += counts.active;
        }
        holder.stdin?.end();
        // Connects of the rest of the machine may be among them.
        assert.ok(failed >= 3 * 10 * 7, `${failed} failed`);
        assert.ok(active >= 5, `${active} active`);
        assert.deepEqual(maps, { tcp_counts: 3, tcp_overflow: 2 });
        assert.ok(names.has(otherDestination));
        assert.ok(refused(program)['tcp_counts']! >= 27 * 7);
        assert.ok(refused(program)['tcp_overflow']! > 0);
      });
    },
  );

  test('a scan of ports pushes out nobody, and all of it is counted', { skip }, async () => {
    await counting({ source }, async (program) => {
      const [scanning, other] = cgroups as [Cgroup, Cgroup];
      const real = async ({ directory }: Cgroup, address: string): Promise<void> => {
        const { established } = await load.run('-c', directory, 'connect', address, open, '3');
        assert.equal(established, 3);
      };
      await real(scanning, '127.0.0.1');
      const scanned = await load.run(
        '-c',
        scanning.directory,
        '-n',
        'scan',
        '10.7.7.7',
        '1',
        String(scannedPorts),
      );
      // A port may connect to itself.
      assert.equal(scanned.established + scanned.refused, scannedPorts);
      await real(scanning, '127.0.0.2');
      await real(other, '127.0.0.2');
      const found = await counted(program, [scanning.id, other.id]);
      for (const key of [
        `${scanning.id} 127.0.0.1:${open}`,
        `${scanning.id} 127.0.0.2:${open}`,
        `${other.id} 127.0.0.2:${open}`,
      ])
        assert.equal(found.get(key)?.successful, 3, key);
      const all = [...found].filter(([key]) => key.startsWith(`${scanning.id} `));
      const attempts = all.reduce((sum, [, { allFailed, successful }]) => sum + allFailed + successful, 0);
      assert.equal(attempts, scannedPorts + 6);
      assert.ok(all.length <= 2000, `${all.length} places`);
      assert.ok(refused(program)['tcp_counts']! > scannedPorts - 2000);
    });
  });

  const starves = 'a connect whose socket has no room for a record is counted all the same';
  if (source === 'raw_tp')
    test(starves, { skip }, async () => {
      await counting({ source, maxSockets: 1 }, async (program) => {
        const holder = await load.start('-c', cgroups[0]!.directory, 'hold', '127.0.0.1', open, '1');
        const before = await failedWithoutRecord(program, '127.0.0.1');
        await load.run('-c', cgroups[0]!.directory, 'connect', '127.0.0.1', '21720', '25');
        // Connects of the rest of the machine may be among them.
        assert.ok((await failedWithoutRecord(program, '127.0.0.1')) - before >= 25);
        assert.ok(refused(program)['tcp_sockets']! >= 25);
        holder.stdin?.end();
      });
    });
  else
    test(starves, { skip }, async (context) => {
      const starved = (count: string): ReturnType<Load['run']> =>
        load.run('-c', cgroups[0]!.directory, '-n', '-s', 'connect', '10.7.7.7', '21720', count);
      const possible = await starved('0').then(
        () => true,
        () => false,
      );
      if (!possible) return context.skip('needs net.core.optmem_max in each network namespace (Linux 6.8)');
      await counting({ source }, async (program) => {
        const before = await failedWithoutRecord(program, '10.7.7.7');
        assert.equal((await starved('25')).refused, 25);
        assert.equal((await failedWithoutRecord(program, '10.7.7.7')) - before, 25);
        assert.equal(refused(program)['tcp_sockets'], 25);
      });
    });

  test('ports, link-local addresses and loopback of other namespaces do not count', { skip }, async () => {
    const ignoredPorts = ignoredPortBits([[21730, 21739]]);
    const hostNetnsInode = statSync('/proc/self/ns/net').ino;
    await counting({ source, ignoredPorts, hostNetnsInode }, async (program) => {
      const [cgroup] = cgroups as [Cgroup];
      const connect = async (namespace: string[], address: string, port: string): Promise<void> => {
        const result = await load.run('-c', cgroup.directory, ...namespace, 'connect', address, port, '3');
        assert.equal(result.refused, 3, `${address}:${port}`);
      };
      await connect([], '127.0.0.1', '21729');
      await connect([], '127.0.0.1', '21730');
      await connect([], '::1', '21739');
      await connect([], '::1', '21740');
      await connect(['-n'], '127.0.0.1', '21750');
      await connect(['-n'], '::1', '21750');
      await connect(['-n'], '::ffff:127.0.0.1', '21750');
      await connect(['-n'], '169.254.7.7', '21750');
      await connect(['-n'], '10.7.7.7', '21750');
      const found = await counted(program, [cgroup.id]);
      assert.deepEqual([...found].map(([key, { allFailed }]) => `${key.split(' ')[1]} ${allFailed}`).sort(), [
        '10.7.7.7:21750 3',
        '127.0.0.1:21729 3',
        '[::1]:21740 3',
      ]);
    });
  });
}, false);
