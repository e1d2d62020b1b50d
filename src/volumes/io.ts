import { decimal } from '../host/statistics.ts';
import type { Controllers } from '../kernel/controllers.ts';
import type { Cgroup, ListedContainer } from '../model/containers.ts';

/** What a cgroup has read from one disk and written to it. */
export interface Io {
  readonly reads: number;
  readonly writes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** By `major:minor`. */
export type IoByDevice = ReadonlyMap<string, Io>;

/** Where the figures are on this machine. */
export interface IoSource {
  /** Those cgroups of a container whose figures are added up. */
  cgroupsOf(container: ListedContainer): Iterable<Cgroup>;
  /** Files of the cgroup at a path from the root of its hierarchy, read together. */
  files(path: string): readonly string[];
  /** Undefined where one could not be read. */
  parse(texts: readonly (string | undefined)[]): IoByDevice | undefined;
}

/** Undefined where no hierarchy has the controller. */
export function ioSource({ v1, v2 }: Controllers): IoSource | undefined {
  if (v1.blkio !== undefined) {
    const root = v1.blkio;
    return {
      // Each tells of itself alone; the recursive files forget what happened in those that are gone.
      cgroupsOf: ({ cgroups }) => cgroups,
      files: (path) =>
        ['io_serviced', 'io_service_bytes'].map((name) => `${root}${path}/blkio.throttle.${name}`),
      parse: ([serviced, bytes]) =>
        serviced === undefined || bytes === undefined ? undefined : parseBlkio(serviced, bytes),
    };
  }
  if (v2 === undefined) return undefined;
  return {
    cgroupsOf: ({ topCgroups }) => topCgroups,
    files: (path) => [`${v2}${path}/io.stat`],
    parse: ([stat]) => (stat === undefined ? undefined : parseIoStat(stat)),
  };
}

/**
 * `io.stat` of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst); rows that are incomplete are left out. Linux 5.15 and some
 * after it do not end the row of a device without figures: `7:1 7:0 rbytes=1 ...` is of 7:0 alone.
 */
export function parseIoStat(text: string): IoByDevice {
  const found = new Map<string, Io>();
  for (const [, device, rest = ''] of text.matchAll(/(?<=^| )(\d+:\d+) (\w+=[^:\n]*)\n/gm)) {
    const values = new Map(rest.split(' ').map((pair) => pair.split('=') as [string, string | undefined]));
    const [readBytes, writtenBytes, reads, writes] = ['rbytes', 'wbytes', 'rios', 'wios'].map((key) =>
      decimal(values.get(key)),
    );
    add(found, device!, { reads, writes, readBytes, writtenBytes });
  }
  return found;
}

/** The files of blkio's throttling, cgroup v1 (Documentation/admin-guide/cgroup-v1/blkio-controller.rst). */
export function parseBlkio(serviced: string, bytes: string): IoByDevice {
  const found = new Map<string, Io>();
  const [requests, amounts] = [rowsOf(serviced), rowsOf(bytes)];
  for (const device of new Set([...requests.keys()].map((row) => row.split(' ')[0]!)))
    add(found, device, {
      reads: requests.get(`${device} Read`),
      writes: requests.get(`${device} Write`),
      readBytes: amounts.get(`${device} Read`),
      writtenBytes: amounts.get(`${device} Write`),
    });
  return found;
}

function rowsOf(text: string): Map<string, number> {
  const rows = text.matchAll(/^(\d+:\d+ (?:Read|Write)) (\d{1,20})\n/gm);
  return new Map([...rows].map(([, row, value]) => [row!, Number(value)]));
}

function add(found: Map<string, Io>, device: string, io: { [K in keyof Io]: number | undefined }): void {
  if (Object.values(io).every((value) => value !== undefined)) found.set(device, io as Io);
}

export function addIo(one: Io | undefined, other: Io): Io {
  if (one === undefined) return other;
  return {
    reads: one.reads + other.reads,
    writes: one.writes + other.writes,
    readBytes: one.readBytes + other.readBytes,
    writtenBytes: one.writtenBytes + other.writtenBytes,
  };
}
