import type { RgbImage } from '../../core/media.js';
import type { Carriers } from './carriers.js';
import { PILOT_WEIGHTS, SEARCHED_Z, payloadOf, pilotZ, whitenRings } from './demodulate.js';
import { withoutEdges } from './edges.js';
import { forward } from './fft.js';
import { stages, type Mapping } from './hypotheses.js';
import { PICTURE_TILES, radiusFor } from './layout.js';
import { whitened, type Whitened } from './local-contrast.js';
import { fullPlanes, shrunk } from './planes.js';
import { sample, spectrumOf, take, type Spectrum } from './spectrum.js';
import { emptyValues, type Values } from './tile.js';

/** Larger pictures are read at this short side: a native tile has 113 pixels, its highest harmonic 3.8 a cycle. */
const SHORT_SIDE = 340;
/** Hypotheses this good, the best few of each stage, are looked at more closely. */
const PROMISING_Z = 4.4;
const FINALISTS = 5;
/** Stages, the likeliest, in which a picture is also looked at without its edges. */
const WITHOUT_EDGES = 3;
const CERTAIN_Z = 9;
/** Frequencies above this, in cycles per pixel, are lost. */
const NYQUIST = 0.48;

/** Shifts are refined in steps from half a grid cell downwards, in tiles. */
const FIRST_STEP = 1 / 128;

interface Candidate {
  readonly mapping: Mapping;
  readonly flip: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export interface SearchResult {
  readonly z: number;
  readonly payload: string | undefined;
}

/** Planes to be sampled under many mappings, and the size of the picture they stand for. */
export interface SearchScene {
  readonly planes: readonly Whitened[];
  readonly width: number;
  readonly height: number;
  /** Tiles along the short side of what was marked. */
  readonly tiles: number;
}

class Scene {
  readonly spectra: Spectrum[];
  readonly scaleX: number;
  readonly scaleY: number;

  constructor(
    { planes, width, height }: SearchScene,
    readonly plan: readonly Carriers[],
  ) {
    this.scaleX = width / planes[0].width;
    this.scaleY = height / planes[0].height;
    this.spectra = planes.map(spectrumOf);
  }

  /** Samples carriers (all, or the pilots) under a mapping; those out of reach stay 0. */
  values(mapping: Mapping, pilotsOnly: boolean): Values[] {
    const { a, b, c, d } = mapping;
    return this.plan.map((carriers, channel) => {
      const out = emptyValues(carriers.count);
      const total = pilotsOnly ? carriers.pilots.length : carriers.count;
      for (let n = 0; n < total; n++) {
        const i = pilotsOnly ? carriers.pilots[n] : n;
        const fx = (a * carriers.u[i] + b * carriers.v[i]) * this.scaleX;
        const fy = (c * carriers.u[i] + d * carriers.v[i]) * this.scaleY;
        if (fx > NYQUIST || fx < -NYQUIST || fy > NYQUIST || fy < -NYQUIST) continue;
        take(this.spectra[channel], fx, fy);
        out.re[i] = sample.re;
        out.im[i] = sample.im;
      }
      whitenRings(out, carriers, pilotsOnly ? carriers.pilots : undefined);
      return out;
    });
  }
}

/** Values as they would be were the picture not mirrored: bit 0 of `flip` is sideways, bit 1 upside down. */
function unflipped(values: Values, carriers: Carriers, flip: number, places: Map<number, number>): Values {
  if (flip === 0) return values;
  const out = emptyValues(carriers.count);
  for (let i = 0; i < carriers.count; i++) {
    const u = flip & 1 ? -carriers.u[i] : carriers.u[i];
    const v = flip & 2 ? -carriers.v[i] : carriers.v[i];
    const conjugate = u < 0 || (u === 0 && v < 0);
    const at = places.get(conjugate ? -u * 256 - v : u * 256 + v) ?? i;
    out.re[i] = values.re[at];
    out.im[i] = conjugate ? -values.im[at] : values.im[at];
  }
  return out;
}

const placeTables = new WeakMap<Carriers, Map<number, number>>();
function placesOf(carriers: Carriers): Map<number, number> {
  let known = placeTables.get(carriers);
  if (known === undefined) {
    known = new Map();
    for (let i = 0; i < carriers.count; i++) known.set(carriers.u[i] * 256 + carriers.v[i], i);
    placeTables.set(carriers, known);
  }
  return known;
}

/** Multiplies by the phase that a shift of `x`, `y` tiles takes back. */
function shifted(
  values: Values,
  carriers: Carriers,
  x: number,
  y: number,
  out: Values,
  pilotsOnly: boolean,
): void {
  const total = pilotsOnly ? carriers.pilots.length : carriers.count;
  for (let n = 0; n < total; n++) {
    const i = pilotsOnly ? carriers.pilots[n] : n;
    const turn = 2 * Math.PI * (carriers.u[i] * x + carriers.v[i] * y);
    const c = Math.cos(turn);
    const s = Math.sin(turn);
    out.re[i] = values.re[i] * c - values.im[i] * s;
    out.im[i] = values.re[i] * s + values.im[i] * c;
  }
}

const grids = new Map([64, 128].map((side) => [side, new Float32Array(2 * side * side)]));

/** The best shift and mirroring of sampled pilots: their correlation at every position, two mirrorings at a time. */
function bestShift(
  values: readonly Values[],
  plan: readonly Carriers[],
  mapping: Mapping,
  side: 64 | 128,
): Candidate {
  const grid = grids.get(side) ?? new Float32Array(2 * side * side);
  let energy = 0;
  plan.forEach((carriers, channel) => {
    const { re, im } = values[channel];
    const weight = PILOT_WEIGHTS[channel];
    for (const i of carriers.pilots) energy += weight * weight * (re[i] * re[i] + im[i] * im[i]);
  });
  const scale = energy === 0 ? 0 : 1 / Math.sqrt(energy / 2);
  let best = { mapping, flip: 0, x: 0, y: 0, z: 0 };
  // A half turn is the complex conjugate: flips 0 and 3 share their samples, and so do 2 and 1.
  for (const mirrored of [false, true]) {
    grid.fill(0);
    plan.forEach((carriers, channel) => {
      const { re, im } = values[channel];
      const { pilots, mirrors, u, v, cos, sin } = carriers;
      const weight = PILOT_WEIGHTS[channel];
      for (let n = 0; n < pilots.length; n++) {
        const i = pilots[n];
        const j = mirrored ? mirrors[n] : i;
        const conjugate = mirrored && u[i] === 0 ? -1 : 1;
        const xr = weight * re[j];
        const xi = weight * conjugate * im[j];
        // R conj(S), and conj(R) conj(S) for the half turn.
        const ar = xr * cos[i] + xi * sin[i];
        const ai = xi * cos[i] - xr * sin[i];
        const br = xr * cos[i] - xi * sin[i];
        const bi = -xi * cos[i] - xr * sin[i];
        // The transform is a forward one, so positions run backwards: stored at (-u, -v) for (u, v).
        const p = 2 * ((-v[i] & (side - 1)) * side + (-u[i] & (side - 1)));
        const q = 2 * ((v[i] & (side - 1)) * side + (u[i] & (side - 1)));
        grid[p] += ar - bi;
        grid[p + 1] += ai + br;
        grid[q] += ar + bi;
        grid[q + 1] += br - ai;
      }
    });
    forward(grid, side, side);
    for (let i = 0; i < 2 * side * side; i++) {
      const z = grid[i] * scale * 0.5;
      if (z <= best.z) continue;
      const cell = i >> 1;
      const half = (i & 1) === 1;
      const flip = mirrored ? (half ? 1 : 2) : half ? 3 : 0;
      best = { mapping, flip, x: (cell % side) / side, y: Math.floor(cell / side) / side, z };
    }
  }
  return best;
}

/** Climbs from a candidate to the best nearby shift, scale, stretch and angle. */
function refined(scene: Scene, start: Candidate): Candidate {
  const { plan } = scene;
  const work = plan.map(({ count }) => emptyValues(count));
  const score = (values: readonly Values[], x: number, y: number): number => {
    plan.forEach((carriers, channel) => shifted(values[channel], carriers, x, y, work[channel], true));
    return pilotZ(work, plan);
  };
  const centred = (mapping: Mapping, near: Candidate): Candidate => {
    const values = scene
      .values(mapping, true)
      .map((each, channel) => unflipped(each, plan[channel], near.flip, placesOf(plan[channel])));
    let { x, y } = near;
    let z = score(values, x, y);
    for (let step = FIRST_STEP; step > FIRST_STEP / 10; step /= 2) {
      for (const [dx, dy] of [
        [step, 0],
        [-step, 0],
        [0, step],
        [0, -step],
      ]) {
        const there = score(values, x + dx, y + dy);
        if (there <= z) continue;
        z = there;
        x += dx;
        y += dy;
      }
    }
    return { mapping, flip: near.flip, x, y, z };
  };
  let best = centred(start.mapping, start);
  for (let size = 0.002; size > 0.0004; size /= 2) {
    for (let round = 0; round < 2; round++) {
      const before = best.z;
      for (const change of CHANGES) {
        for (const sign of [1, -1]) {
          const there = centred(change(best.mapping, sign * size), best);
          if (there.z > best.z) best = there;
        }
      }
      if (best.z === before) break;
    }
  }
  return best;
}

/** Larger, wider, turned: small changes of a mapping. */
const CHANGES: readonly ((mapping: Mapping, by: number) => Mapping)[] = [
  ({ a, b, c, d }, by) => ({ a: a * (1 + by), b: b * (1 + by), c: c * (1 + by), d: d * (1 + by) }),
  ({ a, b, c, d }, by) => ({ a: a * (1 + by), b: b * (1 + by), c, d }),
  ({ a, b, c, d }, by) => ({ a: a - by * c, b: b - by * d, c: c + by * a, d: d + by * b }),
];

function read(scene: Scene, { mapping, flip, x, y, z }: Candidate): string | undefined {
  if (z < SEARCHED_Z) return undefined;
  const values = scene.values(mapping, false).map((each, channel) => {
    const carriers = scene.plan[channel];
    const out = emptyValues(carriers.count);
    shifted(unflipped(each, carriers, flip, placesOf(carriers)), carriers, x, y, out, false);
    return out;
  });
  return payloadOf(values, scene.plan);
}

/** Looks for a mark in a picture that may have been scaled, cropped, mirrored, turned or stretched. */
export function searchPicture(image: RgbImage, plan: readonly Carriers[]): SearchResult {
  const factor = Math.min(1, SHORT_SIDE / Math.min(image.width, image.height));
  const width = Math.round(image.width * factor);
  const height = Math.round(image.height * factor);
  const radius = radiusFor(Math.min(width, height) / PICTURE_TILES);
  const planes = fullPlanes(image).map((plane) => (factor === 1 ? plane : shrunk(plane, width, height)));
  const found = (ready: readonly Whitened[], most?: number): SearchResult =>
    searchPlanes(
      { planes: ready, width: image.width, height: image.height, tiles: PICTURE_TILES },
      plan,
      most,
    );
  const first = found(planes.map((plane) => whitened(plane, radius)));
  if (first.payload !== undefined) return first;
  const second = found(
    planes.map((plane) => whitened(withoutEdges(plane, radius), radius)),
    WITHOUT_EDGES,
  );
  return second.payload === undefined && second.z < first.z ? first : second;
}

/** The same for planes that were made ready before, in the first `most` stages. */
export function searchPlanes(given: SearchScene, plan: readonly Carriers[], most = Infinity): SearchResult {
  const scene = new Scene(given, plan);
  let z = 0;
  let stagesLeft = most;
  for (const stage of stages(given.width, given.height, given.tiles)) {
    if (stagesLeft-- <= 0) break;
    let finalists: Candidate[] = [];
    for (const mapping of stage.mappings) {
      const candidate = bestShift(scene.values(mapping, true), plan, mapping, stage.grid);
      z = Math.max(z, candidate.z);
      if (candidate.z < PROMISING_Z) continue;
      finalists.push(candidate);
      if (candidate.z > CERTAIN_Z) break;
    }
    finalists = finalists.sort((p, q) => q.z - p.z).slice(0, FINALISTS);
    for (const finalist of finalists) {
      const best = refined(scene, finalist);
      z = Math.max(z, best.z);
      const payload = read(scene, best);
      if (payload !== undefined) return { z: best.z, payload };
    }
  }
  return { z, payload: undefined };
}
