import { AgentError } from '../errors.ts';

/** Numbers of the kinds of BTF types that are told apart here. */
export const kinds = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  prototype: 13,
  variable: 14,
  section: 15,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

export interface BtfType {
  readonly name: string;
  /** One of `kinds`, or a kind without relevance to layouts. */
  readonly kind: number;
  /** Size in bytes, or the id of the type it refers to. */
  readonly sizeOrType: number;
  /** What follows the header, by kind: members, variables, values, the description of an array. */
  readonly tail: Buffer;
  /** Of a structure: offsets carry the width of bit fields in their upper 8 bits. */
  readonly hasBitFields: boolean;
}

export interface Btf {
  /** By id; 0 is void. */
  readonly types: readonly (BtfType | undefined)[];
  /** The string at an offset of the string section. */
  readonly text: (offset: number) => string;
}

const typeHeaderBytes = 12;

/**
 * Splits a `.BTF` section into types. Throws `BAD_BTF` when it is cut short or malformed.
 * Source: Documentation/bpf/btf.rst of Linux.
 */
export function parseBtf(bytes: Buffer): Btf {
  try {
    if (bytes.readUInt16LE(0) !== 0xeb9f) throw new AgentError('BAD_BTF', 'not little-endian BTF');
    const headerBytes = bytes.readUInt32LE(4);
    const typesAt = headerBytes + bytes.readUInt32LE(8);
    const typesEnd = typesAt + bytes.readUInt32LE(12);
    const strings = bytes.subarray(headerBytes + bytes.readUInt32LE(16));
    const text = (offset: number): string => textAt(strings, offset);

    const types: (BtfType | undefined)[] = [undefined];
    for (let at = typesAt; at < typesEnd;) {
      const info = bytes.readUInt32LE(at + 4);
      const kind = (info >>> 24) & 0x1f;
      const tailBytes = tailBytesOf(kind, info & 0xffff);
      const tailAt = at + typeHeaderBytes;
      if (tailAt + tailBytes > bytes.length) throw new AgentError('BAD_BTF', 'the BTF is cut short');
      types.push({
        name: text(bytes.readUInt32LE(at)),
        kind,
        sizeOrType: bytes.readUInt32LE(at + 8),
        tail: bytes.subarray(tailAt, tailAt + tailBytes),
        hasBitFields: info >>> 31 === 1,
      });
      at = tailAt + tailBytes;
    }
    return { types, text };
  } catch (error) {
    if (error instanceof RangeError)
      throw new AgentError('BAD_BTF', 'the BTF is cut short', { cause: error });
    throw error;
  }
}

function tailBytesOf(kind: number, count: number): number {
  switch (kind) {
    case kinds.int:
    case kinds.variable:
    case kinds.declTag:
      return 4;
    case kinds.array:
      return 12;
    case kinds.struct:
    case kinds.union:
    case kinds.section:
    case kinds.enum64:
      return 12 * count;
    case kinds.enum:
    case kinds.prototype:
      return 8 * count;
    default:
      return 0;
  }
}

function textAt(strings: Buffer, offset: number): string {
  const end = strings.indexOf(0, offset);
  if (end < 0) throw new AgentError('BAD_BTF', 'a name has no end');
  return strings.toString('latin1', offset, end);
}
