import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const imageName = 'docker.io/library/busybox:node';

/** Commands of the image. */
const commands = ['sh', 'sleep'];
const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64' };

/**
 * Writes an image of one layer, the static busybox at `busybox` and nothing else, to `archive`: the format of
 * `docker save` (image specification v1.2), which all runtimes can load.
 */
export async function writeImage(archive: string, busybox: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'image-'));
  try {
    const bin = join(folder, 'layer/bin');
    await mkdir(bin, { recursive: true });
    await copyFile(busybox, join(bin, 'busybox'));
    await chmod(join(bin, 'busybox'), 0o755);
    for (const command of commands) await symlink('busybox', join(bin, command));
    await run('tar', ['-C', join(folder, 'layer'), '-cf', join(folder, 'layer.tar'), '.']);
    const digest = createHash('sha256')
      .update(await readFile(join(folder, 'layer.tar')))
      .digest('hex');
    const config = {
      architecture: architectures[process.arch] ?? process.arch,
      os: 'linux',
      config: { Cmd: ['sleep', '86400'], Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    };
    const manifest = [{ Config: 'config.json', RepoTags: [imageName], Layers: ['layer.tar'] }];
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    await run('tar', ['-C', folder, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar']);
  } finally {
    await rm(folder, { recursive: true });
  }
}
