/**
 * IEEE 754 binary16, held as Uint16Array because Node 20 has no Float16Array. Rounding is to nearest, ties
 * to even, as in numpy and torch.
 */
const scratch = new Float32Array(1);
const bits = new Uint32Array(scratch.buffer);

function encode(value: number): number {
  scratch[0] = value;
  const x = bits[0];
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 0x477ff000 is the first float that rounds up to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    const rebased = magnitude - 0x38000000;
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  if (magnitude <= 0x33000000) return sign;
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - (magnitude >>> 23);
  const half = 1 << (shift - 1);
  return sign | ((mantissa + half - 1 + ((mantissa >>> shift) & 1)) >>> shift);
}

const DECODED = new Float32Array(65536);
for (let h = 0; h < 65536; h++) {
  const exponent = (h >>> 10) & 31;
  const fraction = h & 1023;
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Infinity
          : NaN
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  DECODED[h] = h & 0x8000 ? -size : size;
}

/** float32 → binary16. */
export function toFloat16(values: Float32Array | Int32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = encode(values[i]);
  return out;
}

/** binary16 → float32, exact. */
export function fromFloat16(values: Uint16Array): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = DECODED[values[i]];
  return out;
}
