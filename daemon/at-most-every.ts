/**
 * Passes on the latest of what is said: at once after a pause of `everyMs`, otherwise when that time is over, so that the
 * last word always gets through.
 */
export class AtMostEvery<T> {
  #timer: NodeJS.Timeout | undefined;
  #held: { readonly value: T } | undefined;

  constructor(
    private readonly everyMs: number,
    private readonly pass: (value: T) => void,
  ) {}

  say(value: T): void {
    if (this.#timer !== undefined) {
      this.#held = { value };
      return;
    }
    this.#timer = setTimeout(() => this.#passHeld(), this.everyMs);
    this.pass(value);
  }

  /** Forgets what is held back. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#held = undefined;
  }

  #passHeld(): void {
    const held = this.#held;
    this.stop();
    if (held !== undefined) this.say(held.value);
  }
}
