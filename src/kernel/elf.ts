import { AgentError } from '../errors.ts';

/** A section of an ELF file. The contents of one that takes no room in the file (`.bss`) are empty. */
export interface Section {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Symbol {
  readonly name: string;
  /** Index of its section. */
  readonly section: number;
  /** Bytes from the start of that section. */
  readonly offset: number;
}

const sectionHeaderBytes = 64;
const symbolBytes = 24;
const withoutContents = 8; // SHT_NOBITS

/**
 * The sections of a 64-bit little-endian ELF file, by index.
 * Throws `BAD_ELF` for any other file and for one that is cut short. Source: elf(5).
 */
export function readSections(file: Uint8Array): readonly Section[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1)
    throw new AgentError('BAD_ELF', 'not a 64-bit little-endian ELF file');

  const headersAt = Number(bytes.readBigUInt64LE(40));
  const count = bytes.readUInt16LE(60);
  if (headersAt + count * sectionHeaderBytes > bytes.length)
    throw new AgentError('BAD_ELF', 'the table of sections is cut short');

  const headers = Array.from({ length: count }, (_, index) => {
    const at = headersAt + index * sectionHeaderBytes;
    const start = Number(bytes.readBigUInt64LE(at + 24));
    const length =
      bytes.readUInt32LE(at + 4) === withoutContents ? 0 : Number(bytes.readBigUInt64LE(at + 32));
    if (start + length > bytes.length) throw new AgentError('BAD_ELF', `section ${index} is cut short`);
    return { nameAt: bytes.readUInt32LE(at), bytes: bytes.subarray(start, start + length) };
  });
  const names = headers[bytes.readUInt16LE(62)]?.bytes ?? Buffer.alloc(0);
  return headers.map((header) => ({ name: textAt(names, header.nameAt), bytes: header.bytes }));
}

/** The named symbols of an object file. */
export function readSymbols(sections: readonly Section[]): readonly Symbol[] {
  const table = sections.find(({ name }) => name === '.symtab')?.bytes ?? Buffer.alloc(0);
  const names = sections.find(({ name }) => name === '.strtab')?.bytes ?? Buffer.alloc(0);
  return Array.from({ length: Math.floor(table.length / symbolBytes) }, (_, index) => {
    const at = index * symbolBytes;
    return {
      name: textAt(names, table.readUInt32LE(at)),
      section: table.readUInt16LE(at + 6),
      offset: Number(table.readBigUInt64LE(at + 8)),
    };
  }).filter(({ name }) => name !== '');
}

function textAt(strings: Buffer, at: number): string {
  const end = strings.indexOf(0, at);
  return end < 0 ? '' : strings.toString('latin1', at, end);
}
