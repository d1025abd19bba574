import { z } from 'zod';

/** One setting: where it stands in the file, its environment variable, what is known of it. */
export interface Leaf {
  readonly path: readonly string[];
  readonly env: string;
  readonly description: string;
  readonly secret: boolean;
  readonly fallback: unknown;
}

type Def = { type: string; innerType?: z.ZodType; defaultValue?: unknown; shape?: Record<string, z.ZodType> };

/** The object inside optional, default and prefault wrappers, if there is one. */
function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const def = schema._zod.def as unknown as Def;
  if (def.type === 'object') return def.shape;
  return def.innerType === undefined ? undefined : shapeOf(def.innerType);
}

function metaOf(schema: z.ZodType): { description?: string; secret?: boolean } {
  const own = z.globalRegistry.get(schema) as { description?: string; secret?: boolean } | undefined;
  const inner = (schema._zod.def as unknown as Def).innerType;
  return { ...(inner === undefined ? {} : metaOf(inner)), ...own };
}

/** Every setting of a schema, in its order. `dataDir` in `api` becomes `ZSKY_API_DATA_DIR`. */
export function leavesOf(schema: z.ZodType, path: readonly string[] = []): Leaf[] {
  const shape = shapeOf(schema);
  if (shape !== undefined)
    return Object.entries(shape).flatMap(([key, child]) => leavesOf(child, [...path, key]));
  const def = schema._zod.def as unknown as Def;
  const { description = '', secret = false } = metaOf(schema);
  const env = `ZSKY_${path.map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('_')}`;
  return [
    { path, env, description, secret, fallback: def.type === 'default' ? def.defaultValue : undefined },
  ];
}
