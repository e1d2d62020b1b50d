import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { noFacts } from './facts.ts';
import { parseUnit, unitFiles } from './files.ts';
import { emptyRoot } from './root.fixture.ts';

test('units by their files: drop-ins, templates, masks, links, and what starts them', async (t) => {
  const root = await emptyRoot(t);
  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  const wanted = 'etc/systemd/system/multi-user.target.wants';
  await write(
    'usr/lib/systemd/system/web.service',
    '[Unit]\nType=no\n[Service]\nType = notify \nExecStart=x\n',
  );
  await write('usr/lib/systemd/system/web.service.d/10.conf', '[Service]\nType=exec\n');
  await write('etc/systemd/system/web.service.d/20.conf', '[Service]\nType=forking\n');
  await write('usr/lib/systemd/system/many@.service', '[Service]\nExecStart=a \\\n  Type=b\n');
  await write('usr/lib/systemd/system/bus.service', '[Service]\nBusName=org.x\nExecStart=x\n');
  await write('usr/lib/systemd/system/empty.service', '[Service]\n');
  await write('usr/lib/systemd/system/web.socket', '[Socket]\nListenStream=1\n');
  await write('usr/lib/systemd/system/idle.socket', '[Socket]\nService=empty.service\n');
  await write('usr/lib/systemd/system/daily.timer', '[Timer]\nUnit=bus.service\n');
  await write('usr/lib/systemd/system/each.socket', '[Socket]\nAccept=yes\n');
  await write('usr/lib/systemd/system/each@.service', '[Service]\nExecStart=x\n');
  for (const name of ['web.socket', 'daily.timer', 'each.socket', 'gone.path'])
    await write(`${wanted}/${name}`, '');
  await write('usr/lib/systemd/system/masked.service', '[Service]\nType=exec\n');
  await symlink('/dev/null', join(root, 'etc/systemd/system/masked.service'));
  await write('nix/store/linked.service', '[Service]\nType=idle\n');
  await symlink('/nix/store/linked.service', join(root, 'etc/systemd/system/linked.service'));
  await symlink('/dev/zero', join(root, 'etc/systemd/system/endless.service'));
  execFileSync('mkfifo', [join(root, 'etc/systemd/system/hangs.service')]);

  const lookUp = unitFiles(root);
  const told = async (unit: string): Promise<string> => {
    const { type, triggeredBy } = await lookUp(unit);
    return `${type} ${triggeredBy}`.trim();
  };
  assert.equal(await told('web.service'), 'forking web.socket');
  assert.equal(await told('many@1.service'), 'simple');
  assert.equal(await told('bus.service'), 'dbus daily.timer');
  assert.equal(await told('empty.service'), '');
  assert.equal(await told('each@3.service'), 'simple each.socket');
  assert.equal(await told('linked.service'), 'idle');
  for (const unit of ['masked', 'endless', 'hangs', 'unknown', '../../web', ''])
    assert.equal(await told(`${unit}.service`), '', unit);
  assert.deepEqual(await unitFiles(join(root, 'nowhere'))('web.service'), noFacts);
});

test('settings are read by section, the last one counts', () => {
  assert.deepEqual(parseUnit('[A]\nX=1\n# X=2\n;X=3\nX =\t4 \nno setting\n[B]\r\n__proto__=5\nX=6\n'), {
    'A.X': '4',
    'B.X': '6',
  });
});
