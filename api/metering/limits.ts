import type { Limits } from '../../core/config/settings.js';

/** The kinds that the API sells. */
export type ApiKind = 'image' | 'video';

/** The numbers that apply to one kind. */
export function limitsFor(
  limits: Limits,
  kind: ApiKind,
): { perMonth: number; perDay: number; cents: number } {
  return kind === 'video'
    ? { perMonth: limits.videosPerMonth, perDay: limits.videosPerDay, cents: limits.overageCentsPerVideo }
    : { perMonth: limits.imagesPerMonth, perDay: limits.imagesPerDay, cents: limits.overageCentsPerImage };
}
