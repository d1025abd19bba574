const Z = 1.959964;

/**
 * 95% confidence interval of a share `hits / tries`, each end in 0..1.
 * Wilson 1927, "Probable inference, the law of succession, and statistical inference", equation for the score interval.
 */
export function wilson(hits: number, tries: number): readonly [low: number, high: number] {
  if (tries === 0) return [0, 1];
  const share = hits / tries;
  const spread = Z * Math.sqrt((share * (1 - share)) / tries + Z ** 2 / (4 * tries ** 2));
  const middle = share + Z ** 2 / (2 * tries);
  const scale = 1 + Z ** 2 / tries;
  return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)];
}

/** "57 of 60 = 95.0% (86.3–98.3)" */
export function shareText(hits: number, tries: number): string {
  const [low, high] = wilson(hits, tries);
  const percent = (value: number) => (100 * value).toFixed(1);
  return `${hits} of ${tries} = ${percent(hits / tries)}% (${percent(low)}–${percent(high)})`;
}
