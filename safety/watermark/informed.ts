import type { Carriers } from './carriers.js';
import { passed } from './local-contrast.js';
import { emptyValues, type Values } from './tile.js';

/** How far a carrier's share may move from its nominal one. */
const LEAST_SHARE = 0.3;
const MOST_SHARE = 2.2;
const HALVINGS = 14;

/**
 * Complex amplitude of every carrier. Axes that the picture itself pushes the wrong way get more, those it helps
 * get less, at the same power on every ring: informed embedding, Cox, Miller & Bloom 2002, chapter 5. `gain` is
 * what a reader would measure of each carrier at its nominal amplitude, and `tilt` tells that amplitude beside the mean.
 */
export function informed(
  host: Values,
  carriers: Carriers,
  coded: readonly number[],
  gain: Float64Array,
  tilt: Float64Array = level(carriers),
): Values {
  const { count, rings, ring, cos, sin, first, second } = carriers;
  const out = emptyValues(count);
  const nominal = Math.sqrt(2 / count);
  // Axes of one ring: carrier, 1 for the imaginary axis, sign and size, what the host adds in nominal amplitudes.
  const carrier = new Int16Array(2 * count);
  const imaginary = new Uint8Array(2 * count);
  const size = new Float64Array(2 * count);
  const push = new Float64Array(2 * count);
  for (let r = 0, i = 0; r < rings; r++) {
    let axes = 0;
    let energy = 0;
    const axis = (at: number, turned: number, signed: number, pushed: number): void => {
      carrier[axes] = at;
      imaginary[axes] = turned;
      size[axes] = signed;
      push[axes] = pushed / (gain[at] * signed);
      energy += push[axes] * push[axes];
      axes += 1;
    };
    for (; i < count && ring[i] === r; i++) {
      const real = host.re[i] * cos[i] + host.im[i] * sin[i];
      if (first[i] < 0) {
        axis(i, 0, 1, real);
        continue;
      }
      axis(i, 0, coded[first[i]] ? -Math.SQRT1_2 : Math.SQRT1_2, real);
      axis(i, 1, coded[second[i]] ? -Math.SQRT1_2 : Math.SQRT1_2, host.im[i] * cos[i] - host.re[i] * sin[i]);
    }
    const scale = 1 / Math.max(1, Math.sqrt(energy / axes));
    const share = (at: number, target: number): number => {
      const wanted = target - push[at] * scale;
      return wanted < LEAST_SHARE ? LEAST_SHARE : wanted > MOST_SHARE ? MOST_SHARE : wanted;
    };
    let low = -3;
    let high = 6;
    for (let step = 0; step < HALVINGS; step++) {
      const target = (low + high) / 2;
      let power = 0;
      for (let at = 0; at < axes; at++) power += share(at, target) ** 2;
      if (power > axes) high = target;
      else low = target;
    }
    for (let at = 0; at < axes; at++) {
      const k = carrier[at];
      const amount = nominal * tilt[k] * size[at] * share(at, low);
      out.re[k] += amount * (imaginary[at] ? -sin[k] : cos[k]);
      out.im[k] += amount * (imaginary[at] ? cos[k] : sin[k]);
    }
  }
  return out;
}

/** The same amplitude for every carrier. */
function level({ count }: Carriers): Float64Array {
  return new Float64Array(count).fill(1);
}

/** Amplitudes of mean square 1 that fall off above the knee, in cycles per tile, with its fourth power. */
export function lowered({ count, u, v }: Carriers, knee: number): Float64Array {
  const out = Float64Array.from({ length: count }, (_, i) => 1 / (1 + (Math.hypot(u[i], v[i]) / knee) ** 4));
  const scale = Math.sqrt(count / out.reduce((sum, each) => sum + each * each, 0));
  return out.map((each) => each * scale);
}

/** What a reader would measure of each carrier at its nominal amplitude. */
export function readerGain(
  carriers: Carriers,
  side: number,
  radius: number,
  worth: number,
  tilt: Float64Array = level(carriers),
): Float64Array {
  const half = Math.sqrt(2 / carriers.count) / 2;
  return Float64Array.from(
    { length: carriers.count },
    (_, i) =>
      worth * tilt[i] * half * Math.max(0.1, passed(carriers.u[i] / side, carriers.v[i] / side, radius)),
  );
}
