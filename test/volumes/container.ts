/** A container with mounts of its own, and what an agent shows of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileC } from '../compile.ts';
import { makePlace, type Place, type Work } from '../containers/tree.ts';
import { page, seriesOf } from '../peers/peer.ts';

/** A directory that a container mounts. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
}

export interface Container {
  readonly place: Place;
  /** Its first process, which has nothing open. */
  readonly first: Work;
  /** Does something where its mounts are (see write.c), by a process that is gone afterwards. */
  act(...words: readonly string[]): Promise<void>;
  /** The same by a process that stays. */
  staying(...words: readonly string[]): Promise<Work>;
}

export const writeProgram = (): string => compileC(join(import.meta.dirname, 'write.c'));

let made = 0;

/** Starts one with these mounts; `more` are further options of write.c. */
export async function container(binds: readonly Bind[], ...more: readonly string[]): Promise<Container> {
  const place = makePlace(`volumes-${process.pid}-${made++}.service`);
  const options = binds.flatMap(({ source, target, readOnly }) => [readOnly ? '-r' : '-b', source, target]);
  const first = await place.workAs(
    writeProgram(),
    ...(more.length > 0 ? more : ['-n']),
    ...options,
    'stay',
    '/',
  );
  const inside = ['-j', String(first.pid)];
  return {
    place,
    first,
    act: (...words) => place.ran(writeProgram(), ...inside, ...words),
    staying: (...words) => place.workAs(writeProgram(), ...inside, ...words),
  };
}

/** A folder of this process, for mount points. */
export function mountPoints(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mounts-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Shown {
  /** Of the family without `container_resources_disk_`. */
  readonly values: ReadonlyMap<string, number>;
  readonly device: string;
  readonly volume: string;
}

/** Volumes of one container on a page, by mount point. */
export function volumesOn(text: string, containerId: string): Map<string, Shown> {
  const found = new Map<string, Shown & { readonly values: Map<string, number> }>();
  for (const [key, value] of seriesOf(text)) {
    const name = /^container_resources_disk_((?:size|used|reserved|re|wr)\w*)\{/.exec(key)?.[1];
    if (name === undefined || !key.includes(`container_id="${containerId}"`)) continue;
    const label = (of: string): string =>
      new RegExp(`${of}="((?:[^"\\\\]|\\\\.)*)"`)
        .exec(key)![1]!
        .replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
    const mountPoint = label('mount_point');
    let shown = found.get(mountPoint);
    if (shown === undefined) {
      shown = { values: new Map(), device: label('device'), volume: label('volume') };
      found.set(mountPoint, shown);
    }
    shown.values.set(name, value);
  }
  return found;
}

/** The same as an agent shows it now. */
export async function volumesOf(agent: { url: string }, place: Place): Promise<Map<string, Shown>> {
  await sleep(1100); // a snapshot is reused for a second
  const url = agent.url.endsWith('/metrics') ? agent.url : `${agent.url}/metrics`;
  const text = await page(url);
  if (text === undefined) throw new Error(`no page at ${url}`);
  return volumesOn(text, place.path);
}

/** The same, once one of them has all these figures; a machine that is slow leaves out what is late. The last look after a while. */
export async function volumesWith(
  agent: { url: string },
  place: Place,
  mountPoint: string,
  figures: readonly string[] = ['size_bytes'],
): Promise<Map<string, Shown>> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const shown = await volumesOf(agent, place);
    const values = shown.get(mountPoint)?.values;
    if (figures.every((name) => values?.has(name)) || performance.now() > endMs) return shown;
  }
}
