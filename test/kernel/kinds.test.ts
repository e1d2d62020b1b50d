/** Connections that come about in another way count like all others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, forEachSource, ownLoad, startCounting, type Load } from './machine.ts';

const open = '21760';
const closed = '21761';
const count = 300;
const own = ownLoad('kinds', open);

const kinds: readonly { name: string; flags: string[]; mode: string; missing: string }[] = [
  { name: 'a socket that failed and tries again', flags: [], mode: 'retry', missing: '' },
  { name: 'MPTCP', flags: ['-m'], mode: 'connect', missing: 'needs MPTCP (CONFIG_MPTCP, net.mptcp.enabled)' },
  { name: 'TCP Fast Open', flags: ['-o'], mode: 'connect', missing: 'needs TCP Fast Open' },
];

forEachSource((source, skip) => {
  for (const { name, flags, mode, missing } of kinds)
    test(name, { skip }, async (t) => {
      const connect = (port: string, times: number): ReturnType<Load['run']> => {
        const how = port === open ? mode : 'connect';
        return own.load.run('-c', own.cgroup.directory, ...flags, how, '127.0.0.1', port, String(times));
      };
      const possible = await connect(open, 1).then(
        () => true,
        () => false,
      );
      if (!possible && missing !== '') return t.skip(missing);
      const program = await startCounting({ source });
      try {
        assert.equal((await connect(open, count)).established, count);
        // The socket that tries again has failed there itself.
        if (mode !== 'retry') assert.equal((await connect(closed, count)).refused, count);
        const found = [...(await counted(program, [own.cgroup.id]))].map(
          ([key, { successful, allFailed }]) => `${key.split(' ')[1]} ${successful} ${allFailed}`,
        );
        assert.deepEqual(found.sort(), [`127.0.0.1:${open} ${count} 0`, `127.0.0.1:${closed} 0 ${count}`]);
      } finally {
        program.close();
      }
    });
}, false);
