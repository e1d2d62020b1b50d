/** Units by their files, for machines whose systemd does not answer (systemd.unit(5)). */
import { readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { readRegularFile } from '../../host/files.ts';
import { factsOf, noFacts, type UnitFacts } from './facts.ts';

/** The first that has a unit wins. */
const directories = [
  '/run/systemd/transient',
  '/etc/systemd/system',
  '/run/systemd/system',
  '/run/systemd/generator',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
/** Beyond these a directory is not what it claims to be. */
const maxEntries = 20_000;
const maxTriggers = 2000;
const maxFileBytes = 256 << 10;
/** Units that are installed meanwhile are seen this much later. */
const listedForMs = 5000;

/** Sections with their settings; the last word on each counts. */
type Settings = Readonly<Record<string, string>>;

interface Listing {
  /** Where unit files and the directories of their drop-ins are, without the root; those that win come first. */
  readonly paths: ReadonlyMap<string, readonly string[]>;
  /** The unit that starts another, by the other's name. */
  readonly triggers: ReadonlyMap<string, string>;
}

/** Looks units up below the root directory of the host. What cannot be read is not said; never rejects. */
export function unitFiles(root: string): (unit: string) => Promise<UnitFacts> {
  let listing: Promise<Listing> | undefined;
  const list = (): Promise<Listing> => {
    if (listing === undefined) {
      listing = listUnits(root);
      setTimeout(() => (listing = undefined), listedForMs).unref();
    }
    return listing;
  };
  return async (unit) => {
    const { paths, triggers } = await list();
    const names = namesOf(unit);
    const settings = await settingsOf(root, paths, names);
    const triggeredBy = names.map((name) => triggers.get(name)).find((name) => name !== undefined);
    return settings === undefined ? noFacts : factsOf(typeOf(settings), triggeredBy);
  };
}

/** An instance is made of its template: `web@1.service` of `web@.service`. */
function namesOf(unit: string): string[] {
  const template = unit.replace(/@.*(\.\w+)$/s, '@$1');
  return template === unit ? [unit] : [unit, template];
}

async function listUnits(root: string): Promise<Listing> {
  const paths = new Map<string, string[]>();
  const wanted = new Set<string>();
  for (const directory of directories) {
    for (const name of await namesIn(root + directory)) {
      paths.set(name, [...(paths.get(name) ?? []), `${directory}/${name}`]);
      if (/\.(wants|requires)$/.test(name))
        for (const unit of await namesIn(`${root}${directory}/${name}`)) wanted.add(unit);
    }
  }
  const triggers = new Map<string, string>();
  // One that nobody wants is not loaded, and starts nothing.
  for (const name of [...wanted]
    .filter((each) => /\.(timer|socket|path)$/.test(each))
    .slice(0, maxTriggers)) {
    const settings = await settingsOf(root, paths, namesOf(name));
    if (settings !== undefined) triggers.set(startedBy(name, settings), name);
  }
  return { paths, triggers };
}

function startedBy(name: string, settings: Settings): string {
  const own = name.replace(/\.\w+$/, '.service');
  if (/^(yes|y|true|t|on|1)$/i.test(settings['Socket.Accept'] ?? ''))
    return own.replace('.service', '@.service');
  return settings['Timer.Unit'] || settings['Path.Unit'] || settings['Socket.Service'] || own;
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).slice(0, maxEntries);
}

/** systemd.service(5), Type=: what it is where nobody says. A file that cannot be read must not make a service one that is hidden. */
function typeOf(settings: Settings): string {
  const { 'Service.Type': type, 'Service.BusName': bus, 'Service.ExecStart': command } = settings;
  return type || (bus ? 'dbus' : command ? 'simple' : '');
}

/** Of the first of these names that has a file, with the drop-ins of all of them; undefined where none has. */
async function settingsOf(
  root: string,
  paths: Listing['paths'],
  names: readonly string[],
): Promise<Settings | undefined> {
  const file = names.map((name) => paths.get(name)?.[0]).find((path) => path !== undefined);
  if (file === undefined) return undefined;
  // In the order of their names, wherever they are; of two with one name the first counts.
  const dropIns = new Map<string, string>();
  for (const directory of [...names, 'service'].flatMap((name) => paths.get(`${name}.d`) ?? []))
    for (const name of (await namesIn(root + directory)).filter((each) => each.endsWith('.conf')))
      if (!dropIns.has(name)) dropIns.set(name, `${directory}/${name}`);
  const texts = [await read(root, file)];
  for (const name of [...dropIns.keys()].sort()) texts.push(await read(root, dropIns.get(name)!));
  return Object.assign({}, ...texts.map(parseUnit)) as Settings;
}

/** Links lead to other files of the host, by paths from its own root; to /dev/null where a unit is masked. */
async function read(root: string, path: string): Promise<string> {
  const target = await readlink(root + path).catch(() => undefined);
  if (target !== undefined && basename(target) === 'null') return '';
  const file = target?.startsWith('/') ? target : path;
  return readRegularFile(root + file, maxFileBytes).catch(() => '');
}

/** Settings as `Section.Key`. */
export function parseUnit(text: string): Settings {
  const settings: Record<string, string> = {};
  let section = '';
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    const [, name] = /^\[(\w+)\]\s*$/.exec(line) ?? [];
    const [, key, value] = /^([A-Za-z]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined) section = name;
    else if (key !== undefined) settings[`${section}.${key}`] = value ?? '';
  }
  return settings;
}
