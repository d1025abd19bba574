import type { Released } from '../../core/released.js';

/** A finished file of a job: the result itself, or a film's poster. */
export interface Produced {
  readonly part: 'result' | 'poster';
  readonly released: Released;
}
