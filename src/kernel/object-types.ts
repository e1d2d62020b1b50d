import { AgentError } from '../errors.ts';
import { kinds, parseBtf, type Btf, type BtfType } from './btf.ts';
import { readSections, readSymbols } from './elf.ts';

/** Where a member or a global variable lies, in bytes. */
export interface Field {
  readonly offset: number;
  /** Of the whole field, all elements included. */
  readonly size: number;
  /** Elements of an array, 1 otherwise. */
  readonly length: number;
}

/** A structure, or a section of global variables (named `.bss`, `.rodata`, `.data`). */
export interface Layout {
  readonly size: number;
  readonly fields: Readonly<Record<string, Field>>;
}

export interface ObjectTypes {
  /** Named structures and sections of global variables. */
  readonly layouts: ReadonlyMap<string, Layout>;
  /** Values of named enumerations. */
  readonly enums: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

const maxNesting = 32;

/** The types of a compiled eBPF object. Throws `BAD_ELF` or `BAD_BTF` when it is cut short or malformed. */
export function readObjectTypes(elf: Uint8Array): ObjectTypes {
  const sections = readSections(elf);
  const bytes = sections.find(({ name }) => name === '.BTF')?.bytes;
  if (bytes === undefined) throw new AgentError('BAD_BTF', 'the object carries no BTF');

  // The compiler leaves the offsets of global variables to the loader: only the symbols know them.
  const offsets = new Map(
    readSymbols(sections).map(({ name, section, offset }) => [`${sections[section]?.name}/${name}`, offset]),
  );
  const btf = parseBtf(bytes);
  const layouts = new Map<string, Layout>();
  const enums = new Map<string, Record<string, number>>();
  for (const type of btf.types) {
    if (type === undefined || type.name === '') continue;
    if (type.kind === kinds.struct) layouts.set(type.name, structLayout(btf, type));
    if (type.kind === kinds.section) layouts.set(type.name, sectionLayout(btf, type, offsets));
    if (type.kind === kinds.enum) enums.set(type.name, enumValues(btf, type));
  }
  return { layouts, enums };
}

/** Bit fields are left out: nothing shared with user space has any. */
function structLayout(btf: Btf, { sizeOrType: size, tail, hasBitFields }: BtfType): Layout {
  const fields: Record<string, Field> = {};
  for (let at = 0; at < tail.length; at += 12) {
    const name = btf.text(tail.readUInt32LE(at));
    const bits = tail.readUInt32LE(at + 8);
    if (name !== '' && !(hasBitFields && bits >>> 24 > 0))
      fields[name] = { offset: bits / 8, ...extent(btf, tail.readUInt32LE(at + 4)) };
  }
  return { size, fields };
}

function sectionLayout(btf: Btf, { name, tail }: BtfType, offsets: ReadonlyMap<string, number>): Layout {
  const fields: Record<string, Field> = {};
  for (let at = 0; at < tail.length; at += 12) {
    const variable = btf.types[tail.readUInt32LE(at)];
    const offset = offsets.get(`${name}/${variable?.name}`);
    if (variable !== undefined && offset !== undefined)
      fields[variable.name] = { offset, ...extent(btf, variable.sizeOrType) };
  }
  const size = Math.max(0, ...Object.values(fields).map((field) => field.offset + field.size));
  return { size, fields };
}

function enumValues(btf: Btf, { tail }: BtfType): Record<string, number> {
  const values: Record<string, number> = {};
  for (let at = 0; at < tail.length; at += 8)
    values[btf.text(tail.readUInt32LE(at))] = tail.readInt32LE(at + 4);
  return values;
}

function extent(btf: Btf, id: number, nesting = 0): { size: number; length: number } {
  const type = btf.types[id];
  if (type === undefined || nesting > maxNesting) throw new AgentError('BAD_BTF', `type ${id} has no size`);
  switch (type.kind) {
    case kinds.pointer:
      return { size: 8, length: 1 };
    case kinds.array: {
      const length = type.tail.readUInt32LE(8);
      return { size: length * extent(btf, type.tail.readUInt32LE(0), nesting + 1).size, length };
    }
    case kinds.typedef:
    case kinds.volatile:
    case kinds.const:
    case kinds.restrict:
    case kinds.typeTag:
      return extent(btf, type.sizeOrType, nesting + 1);
    default:
      return { size: type.sizeOrType, length: 1 };
  }
}
