/** Distinguished encoding rules (ITU-T X.690), as much of them as a certificate needs. */
export type Der = Buffer;

function tagged(tag: number, content: Buffer): Der {
  const { length } = content;
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), content]);
}

export const sequence = (...parts: readonly Der[]): Der => tagged(0x30, Buffer.concat(parts));
export const set = (...parts: readonly Der[]): Der => tagged(0x31, Buffer.concat(parts));
export const octets = (content: Buffer): Der => tagged(0x04, content);
export const utf8 = (text: string): Der => tagged(0x0c, Buffer.from(text, 'utf8'));
export const truth = (): Der => tagged(0x01, Buffer.from([0xff]));
/** `[number]`, constructed. */
export const explicit = (number: number, content: Der): Der => tagged(0xa0 | number, content);
/** `[number]` in place of the type's own tag, primitive. */
export const implicit = (number: number, content: Buffer): Der => tagged(0x80 | number, content);

/** A positive number from its big-endian bytes. */
export function integer(bytes: Buffer): Der {
  return tagged(0x02, bytes[0] & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** Whole bytes, or with so many unused bits in the last one. */
export function bits(content: Buffer, unused = 0): Der {
  return tagged(0x03, Buffer.concat([Buffer.from([unused]), content]));
}

/** An object identifier in dotted form. */
export function oid(dotted: string): Der {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

/** A time until 2049, to the second (UTCTime). */
export function utcTime(date: Date): Der {
  const text = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${text}Z`, 'ascii'));
}
