/** One subcommand of `zsky-node`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole help text, examples included. */
  readonly usage: string;
  /** Runs with the words after the command's name; resolves to the exit status. */
  run(args: readonly string[]): Promise<number>;
}
