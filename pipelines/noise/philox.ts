const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** Upper 32 bits of the product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow] = [a >>> 16, a & 0xffff];
  const [bHigh, bLow] = [b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const crossed = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(crossed / 65536)) >>> 0;
}

/**
 * Philox4x32-10, a counter turned into four random 32-bit words. Salmon et al. 2011, "Parallel Random Numbers: As
 * Easy as 1, 2, 3", section 4.3. `counter` is changed in place to the result.
 */
export function philox4x32(counter: Uint32Array, key0: number, key1: number): void {
  let [a, b, c, d] = counter;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, a);
    const high1 = multiplyHigh(MULTIPLIER_1, c);
    const low0 = Math.imul(MULTIPLIER_0, a) >>> 0;
    const low1 = Math.imul(MULTIPLIER_1, c) >>> 0;
    a = (high1 ^ b ^ key0) >>> 0;
    b = low1;
    c = (high0 ^ d ^ key1) >>> 0;
    d = low0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  counter[0] = a;
  counter[1] = b;
  counter[2] = c;
  counter[3] = d;
}
