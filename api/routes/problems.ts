import type { z } from 'zod';
import { problemBody } from '../http/schemas.js';

type Status = 400 | 401 | 403 | 404 | 409 | 429 | 451 | 500 | 503;

/** The error answers of a route, for its documentation; every route under /v1 can give those listed here. */
export function problems(...more: Status[]): Record<number, z.ZodType> {
  return Object.fromEntries(
    [400, 401, 403, 408, 429, 431, 500, ...more].map((status) => [status, problemBody]),
  );
}
