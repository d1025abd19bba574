import type { RgbImage } from '../../core/media.js';

/** Peak signal-to-noise ratio over R, G and B in dB. */
export function psnr(a: RgbImage, b: RgbImage): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i] - b.data[i]) ** 2;
  return sum === 0 ? Infinity : 10 * Math.log10(255 ** 2 / (sum / a.data.length));
}

const WINDOW = 8;

function lumaOf({ width, height, data }: RgbImage): Float64Array {
  return Float64Array.from(
    { length: width * height },
    (_, i) => 0.299 * data[3 * i] + 0.587 * data[3 * i + 1] + 0.114 * data[3 * i + 2],
  );
}

/** Structural similarity of luma, mean over 8x8 windows 4 pixels apart. Wang et al. 2004, eq. 13. */
export function ssim(a: RgbImage, b: RgbImage): number {
  const one = lumaOf(a);
  const other = lumaOf(b);
  const c1 = (0.01 * 255) ** 2;
  const c2 = (0.03 * 255) ** 2;
  let total = 0;
  let windows = 0;
  for (let top = 0; top + WINDOW <= a.height; top += WINDOW / 2) {
    for (let left = 0; left + WINDOW <= a.width; left += WINDOW / 2) {
      let sa = 0;
      let sb = 0;
      let saa = 0;
      let sbb = 0;
      let sab = 0;
      for (let y = top; y < top + WINDOW; y++) {
        for (let i = y * a.width + left; i < y * a.width + left + WINDOW; i++) {
          sa += one[i];
          sb += other[i];
          saa += one[i] * one[i];
          sbb += other[i] * other[i];
          sab += one[i] * other[i];
        }
      }
      const n = WINDOW * WINDOW;
      const ma = sa / n;
      const mb = sb / n;
      const va = saa / n - ma * ma;
      const vb = sbb / n - mb * mb;
      const cov = sab / n - ma * mb;
      total += ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
      windows += 1;
    }
  }
  return total / windows;
}
