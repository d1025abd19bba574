/** What marked things go through, and how many of them, in percent, shall be read whole afterwards. */
export interface Attempt {
  readonly name: string;
  readonly aim?: number;
}

/** The share of `of` that was read whole after an attack, as "98%". */
export function percentRead(read: ReadonlyMap<string, number>, attack: string, of: number): string {
  return `${((100 * (read.get(attack) ?? 0)) / of).toFixed(0)}%`;
}

/** A row for each attack, with a column of aims where there are any. `read` counts, by attack, what was read whole. */
export function attackTable(
  kind: string,
  attempts: readonly Attempt[],
  read: ReadonlyMap<string, number>,
  of: number,
): string {
  const aimed = attempts.some(({ aim }) => aim !== undefined);
  const cells = ({ name, aim }: Attempt): string[] => [
    name,
    percentRead(read, name, of),
    ...(aimed ? [aim === undefined ? '' : `${aim}%`] : []),
  ];
  const lines = [[kind, 'read whole', ...(aimed ? ['aim'] : [])], ...attempts.map(cells)].map(
    (line) => `| ${line.join(' | ')} |`,
  );
  lines.splice(1, 0, `|${'---|'.repeat(aimed ? 3 : 2)}`);
  return lines.join('\n');
}
