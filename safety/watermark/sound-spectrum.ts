/** Samples in a window and from one window to the next. */
const WINDOW = 2048;
const HOP = 512;
const BINS = WINDOW / 2 + 1;

const HANN = Float64Array.from(
  { length: WINDOW },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW),
);
const COS = Float64Array.from({ length: WINDOW / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / WINDOW));
const SIN = Float64Array.from({ length: WINDOW / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / WINDOW));
const BITS = Math.log2(WINDOW);
const REVERSED = Uint16Array.from({ length: WINDOW }, (_, i) => {
  let out = 0;
  for (let bit = 0; bit < BITS; bit++) out |= ((i >> bit) & 1) << (BITS - 1 - bit);
  return out;
});
/** Sum of squared Hann windows at 75% overlap: what analysis and synthesis together multiply by. */
const OVERLAP_GAIN = 1.5;

/** One window in place: `sign` -1 to frequencies, +1 back, unscaled. Cooley and Tukey 1965. */
function fft(re: Float64Array, im: Float64Array, sign: 1 | -1): void {
  for (let i = 0; i < WINDOW; i++) {
    const j = REVERSED[i];
    if (j <= i) continue;
    [re[i], re[j]] = [re[j], re[i]];
    [im[i], im[j]] = [im[j], im[i]];
  }
  for (let half = 1; half < WINDOW; half *= 2) {
    const turn = WINDOW / (2 * half);
    for (let start = 0; start < WINDOW; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const c = COS[k * turn];
        const s = sign * SIN[k * turn];
        const a = start + k;
        const b = a + half;
        const x = re[b] * c - im[b] * s;
        const y = re[b] * s + im[b] * c;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

/** Windows that it takes to cover every sample of a signal by four of them. */
function windowCount(length: number): number {
  return Math.ceil((length + WINDOW - HOP) / HOP);
}

const startOf = (window: number): number => window * HOP - (WINDOW - HOP);

function load(signal: Float32Array, window: number, re: Float64Array, im: Float64Array): void {
  const start = startOf(window);
  for (let i = 0; i < WINDOW; i++) re[i] = HANN[i] * (signal[start + i] ?? 0);
  im.fill(0);
}

/** Level of every bin in dB, `[windows][BINS]`, floored at -120. */
export function levels(signal: Float32Array): Float32Array[] {
  const re = new Float64Array(WINDOW);
  const im = new Float64Array(WINDOW);
  return Array.from({ length: windowCount(signal.length) }, (_, window) => {
    load(signal, window, re, im);
    fft(re, im, -1);
    return Float32Array.from({ length: BINS }, (__, bin) =>
      Math.max(-120, 10 * Math.log10((re[bin] ** 2 + im[bin] ** 2) / WINDOW + 1e-30)),
    );
  });
}

/** The signal with every bin of every window multiplied by a gain. */
export function reweighted(
  signal: Float32Array,
  gainOf: (window: number, bin: number) => number,
): Float32Array {
  const out = new Float32Array(signal.length);
  const re = new Float64Array(WINDOW);
  const im = new Float64Array(WINDOW);
  for (let window = 0; window < windowCount(signal.length); window++) {
    load(signal, window, re, im);
    fft(re, im, -1);
    for (let bin = 0; bin < BINS; bin++) {
      const gain = gainOf(window, bin);
      if (gain === 1) continue;
      const mirror = (WINDOW - bin) % WINDOW;
      re[bin] *= gain;
      im[bin] *= gain;
      if (mirror === bin) continue;
      re[mirror] *= gain;
      im[mirror] *= gain;
    }
    fft(re, im, 1);
    const start = startOf(window);
    const from = Math.max(0, -start);
    const to = Math.min(WINDOW, signal.length - start);
    for (let i = from; i < to; i++) out[start + i] += (HANN[i] * re[i]) / (WINDOW * OVERLAP_GAIN);
  }
  return out;
}
