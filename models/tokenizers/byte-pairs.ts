/** Two whole numbers below this are kept as one, which is exact up to 2^53. */
const BASE = 2 ** 22;

/** Byte-pair encoding: merges neighbours by the rule of highest priority until none fits. Sennrich et al. 2016, algorithm 1. */
export class BytePairs {
  /** Left and right id of a rule to its rank and the id that it makes; the lowest rank goes first. */
  readonly #rules = new Map<number, number>();

  constructor(
    private readonly vocabulary: ReadonlyMap<string, number>,
    merges: readonly (readonly [string, string])[],
    private readonly unknownId: number | undefined,
  ) {
    for (let rank = 0; rank < merges.length; rank++) {
      const [left, right] = merges[rank];
      const a = vocabulary.get(left);
      const b = vocabulary.get(right);
      const made = vocabulary.get(left + right);
      if (a !== undefined && b !== undefined && made !== undefined)
        this.#rules.set(a * BASE + b, rank * BASE + made);
    }
  }

  /** Ids of a word given as its symbols; unknown ones are left out where no id stands for them. */
  encode(symbols: readonly string[]): number[] {
    const ids: number[] = [];
    // What the vocabulary lacks takes part in no merge.
    const whole: boolean[] = [];
    for (const symbol of symbols) {
      const id = this.vocabulary.get(symbol) ?? this.unknownId;
      if (id === undefined) continue;
      ids.push(id);
      whole.push(this.vocabulary.has(symbol));
    }
    const ruleAt = (i: number): number =>
      i + 1 < ids.length && whole[i] && whole[i + 1]
        ? (this.#rules.get(ids[i] * BASE + ids[i + 1]) ?? Infinity)
        : Infinity;
    const rules = ids.map((_, i) => ruleAt(i));
    while (ids.length > 1) {
      let best = 0;
      for (let i = 1; i < rules.length; i++) if (rules[i] < rules[best]) best = i;
      if (rules[best] === Infinity) break;
      ids[best] = rules[best] % BASE;
      ids.splice(best + 1, 1);
      whole.splice(best + 1, 1);
      rules.splice(best + 1, 1);
      rules[best] = ruleAt(best);
      if (best > 0) rules[best - 1] = ruleAt(best - 1);
    }
    return ids;
  }
}
