const WIDTH = 28;

/** One live line on a terminal; on anything else a plain line whenever the stage or the bar changes. */
export class Progress {
  readonly #started = performance.now();
  #last = '';
  #open = false;

  /** Shows what is going on and, if known, how much of it is done (0..1). */
  show(what: string, fraction?: number): void {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1).padStart(5);
    const done = Math.round((fraction ?? 0) * WIDTH);
    const bar = fraction === undefined ? '' : ` ${'█'.repeat(done)}${'░'.repeat(WIDTH - done)}`;
    if (process.stdout.isTTY) {
      process.stdout.write(`\r\x1b[2K${seconds} s${bar} ${what}`);
      this.#open = true;
      return;
    }
    // Step counts are the last word of what is going on; hundreds of them would fill a log.
    const mark = bar + what.replace(/ \d+\/\d+$/, '');
    if (mark !== this.#last) console.log(`${seconds} s${bar} ${what}`);
    this.#last = mark;
  }

  /** Leaves the line standing and goes to the next. */
  end(): void {
    if (this.#open) process.stdout.write('\n');
    this.#open = false;
  }
}
