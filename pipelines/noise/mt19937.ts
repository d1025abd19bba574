const N = 624;
const M = 397;

/** Mersenne Twister, 32 bits. Matsumoto & Nishimura 1998, "Mersenne Twister", ACM TOMACS 8(1), table II. */
export class Mt19937 {
  readonly #state = new Uint32Array(N);
  #next = N;

  /** Only the low 32 bits of the seed are used, as torch does. */
  constructor(seed: number | bigint) {
    const state = this.#state;
    state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
    for (let i = 1; i < N; i++) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30);
      state[i] = Math.imul(1812433253, previous) + i;
    }
  }

  /** Uniform 32-bit integer. */
  next(): number {
    if (this.#next === N) this.#twist();
    let y = this.#state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < N; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
      state[i] = state[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
