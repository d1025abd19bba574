import type { z } from 'zod';

/** An option of a config that may be left out or null, as exports write it, with what it then is. */
export function option<T extends z.ZodType>(schema: T, fallback: z.output<T>) {
  return schema.nullish().transform((value): z.output<T> => value ?? fallback);
}
