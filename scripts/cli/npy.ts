/** A float32 array as a NumPy file, format 1.0 (NEP 1). */
export function npyBytes(data: Float32Array, shape: readonly number[]): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.map((side) => `${side},`).join(' ')}), }`;
  // The values start at a multiple of 64 bytes, after 10 bytes of magic and a header that ends in a newline.
  const padded = header.padEnd(Math.ceil((10 + header.length + 1) / 64) * 64 - 11) + '\n';
  const out = Buffer.alloc(10 + padded.length + data.byteLength);
  out.write('\x93NUMPY\x01\x00', 'latin1');
  out.writeUInt16LE(padded.length, 8);
  out.write(padded, 10, 'latin1');
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + padded.length);
  return out;
}
