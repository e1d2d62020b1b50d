/** Property reads in the D-Bus wire format (dbus.freedesktop.org/doc/dbus-specification.html, "Message Protocol"). Pure. */
import { AgentError } from '../../errors.ts';

/** One property of one object. */
export interface Property {
  /** Object path. */
  readonly path: string;
  readonly interface: string;
  readonly name: string;
}

export interface Message {
  readonly type: number;
  /** The call that it answers. */
  readonly replySerial: number | undefined;
  readonly signature: string;
  readonly body: Reader;
}

export const messageTypes = { call: 1, return: 2, error: 3 } as const;
const fieldCodes = { path: 1, interface: 2, member: 3, replySerial: 5, signature: 8 } as const;
const version = 1;
/** Type, flags, version, three lengths. */
const fixedBytes = 16;
/** What a service manager tells of a property is some hundred bytes; the standard would allow 128 MB. */
const maxMessageBytes = 256 << 10;

const padding = (length: number, to: number): number => -length & (to - 1);

/** `org.freedesktop.DBus.Properties.Get` with this serial, little-endian. */
export function encodeGet(serial: number, { path, interface: owner, name }: Property): Buffer {
  const body = new Writer().string(owner).string(name).bytes();
  const fields = new Writer()
    .field(fieldCodes.path, 'o', path)
    .field(fieldCodes.interface, 's', 'org.freedesktop.DBus.Properties')
    .field(fieldCodes.member, 's', 'Get')
    .field(fieldCodes.signature, 'g', 'ss')
    .bytes();
  const head = new Writer().byte('l'.charCodeAt(0)).byte(messageTypes.call).byte(0).byte(version);
  const lengths = head.uint32(body.length).uint32(serial).uint32(fields.length).bytes();
  return Buffer.concat([lengths, fields, Buffer.alloc(padding(fields.length, 8)), body]);
}

class Writer {
  readonly #parts: Buffer[] = [];
  #length = 0;

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  byte(value: number): this {
    return this.#add(Buffer.of(value));
  }

  uint32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return this.#align(4).#add(bytes);
  }

  string(text: string): this {
    return this.uint32(Buffer.byteLength(text)).#add(Buffer.from(`${text}\0`));
  }

  /** A header field: a struct of a code and a variant. */
  field(code: number, type: 'o' | 's' | 'g', text: string): this {
    this.#align(8).byte(code).#signature(type);
    return type === 'g' ? this.#signature(text) : this.string(text);
  }

  #signature(text: string): this {
    return this.byte(text.length).#add(Buffer.from(`${text}\0`));
  }

  #align(to: number): this {
    return this.#add(Buffer.alloc(padding(this.#length, to)));
  }

  #add(bytes: Buffer): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

/** The message at the start of `bytes` and what follows it; undefined while it is not complete. Throws `EFBIG` and `EBADMSG`. */
export function decodeMessage(bytes: Buffer): { message: Message; rest: Buffer } | undefined {
  if (bytes.length < fixedBytes) return undefined;
  const head = new Reader(bytes, bytes[0] === 'B'.charCodeAt(0));
  if (bytes[0] !== 'l'.charCodeAt(0) && bytes[0] !== 'B'.charCodeAt(0)) throw invalid('byte order');
  head.skip(4);
  const bodyBytes = head.uint32();
  head.uint32();
  const fieldBytes = head.uint32();
  const bodyStart = fixedBytes + fieldBytes + padding(fieldBytes, 8);
  if (bodyStart + bodyBytes > maxMessageBytes)
    throw new AgentError('EFBIG', `a message of more than ${maxMessageBytes} bytes`);
  if (bytes.length < bodyStart + bodyBytes) return undefined;
  const fields = fieldsOf(bytes.subarray(0, fixedBytes + fieldBytes), head.bigEndian);
  const body = new Reader(bytes.subarray(bodyStart, bodyStart + bodyBytes), head.bigEndian);
  return { message: { type: bytes[1]!, ...fields, body }, rest: bytes.subarray(bodyStart + bodyBytes) };
}

function fieldsOf(bytes: Buffer, bigEndian: boolean): Pick<Message, 'replySerial' | 'signature'> {
  const reader = new Reader(bytes, bigEndian).skip(fixedBytes);
  let replySerial: number | undefined;
  let signature = '';
  while (reader.left > 0) {
    const code = reader.align(8).byte();
    const value = reader.variant();
    if (code === fieldCodes.replySerial && typeof value === 'number') replySerial = value;
    if (code === fieldCodes.signature && typeof value === 'string') signature = value;
  }
  return { replySerial, signature };
}

export type Value = number | string | readonly string[];

/** Reads values one after the other; `EBADMSG` beyond the end and for types that we never ask for. */
export class Reader {
  readonly bigEndian: boolean;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer, bigEndian: boolean) {
    this.#bytes = bytes;
    this.bigEndian = bigEndian;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(count: number): this {
    if (count > this.left) throw invalid('too short');
    this.#at += count;
    return this;
  }

  align(to: number): this {
    return this.skip(padding(this.#at, to));
  }

  byte(): number {
    return this.skip(1).#bytes[this.#at - 1]!;
  }

  uint32(): number {
    const start = this.align(4).#at;
    this.skip(4);
    return this.bigEndian ? this.#bytes.readUInt32BE(start) : this.#bytes.readUInt32LE(start);
  }

  variant(): Value {
    const type = this.#text(this.byte());
    if (type === 'u') return this.uint32();
    if (type === 's' || type === 'o') return this.#string();
    if (type === 'g') return this.#text(this.byte());
    if (type === 'as') return this.#strings();
    throw invalid(`a value of type ${JSON.stringify(type)}`);
  }

  #strings(): readonly string[] {
    const length = this.uint32();
    if (length > this.left) throw invalid('too short');
    const end = this.left - length;
    const strings: string[] = [];
    while (this.left > end) strings.push(this.#string());
    return strings;
  }

  #string(): string {
    return this.#text(this.uint32());
  }

  /** With a zero byte behind it. */
  #text(length: number): string {
    const start = this.#at;
    this.skip(length + 1);
    return this.#bytes.toString('utf8', start, start + length);
  }
}

function invalid(what: string): AgentError {
  return new AgentError('EBADMSG', `no D-Bus message: ${what}`);
}
