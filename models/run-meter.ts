/** Sums the time spent inside native graph runs, so that everything else can be told apart from it. */
export class RunMeter {
  #ms = 0;
  #runs = 0;

  add(ms: number): void {
    this.#ms += ms;
    this.#runs += 1;
  }

  /** Milliseconds inside graph runs so far. */
  get ms(): number {
    return this.#ms;
  }

  get runs(): number {
    return this.#runs;
  }
}
