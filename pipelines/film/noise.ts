/** One round of the splitmix64 sequence (Steele et al., 2014) on 32-bit halves. */
function seedState(seed: number): Uint32Array {
  let state = BigInt(Math.trunc(seed)) & 0xffffffffffffffffn;
  const out = new Uint32Array(4);
  for (let index = 0; index < 4; index += 2) {
    state = (state + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
    let mixed = state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn;
    mixed ^= mixed >> 31n;
    out[index] = Number(mixed & 0xffffffffn);
    out[index + 1] = Number(mixed >> 32n);
  }
  return out;
}

/** Normally distributed numbers that follow from a seed: xoshiro128** (Blackman and Vigna) and Box-Muller. */
export class SeededNoise {
  private readonly state: Uint32Array;
  private spare: number | undefined;

  constructor(seed: number) {
    this.state = seedState(seed);
  }

  private uniform(): number {
    const s = this.state;
    const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 11);
    return (result + 0.5) / 4294967296;
  }

  private next(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** The next `count` numbers. */
  normal(count: number): Float32Array {
    const out = new Float32Array(count);
    for (let index = 0; index < count; index++) out[index] = this.next();
    return out;
  }
}
