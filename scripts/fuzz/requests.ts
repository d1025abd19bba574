import fc from 'fast-check';

/** The parts of an OpenAPI document that requests are made from. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** One request to try. `{own}` and `{foreign}` in a path stand for job ids that the run knows. */
export interface FuzzRequest {
  readonly method: string;
  readonly template: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Statuses the document promises for this operation. */
  readonly documented: readonly number[];
}

const NASTY_TEXT = fc.constantFrom(
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e\u200b',
  '../../etc/passwd',
  "'; DROP TABLE jobs; --",
  '{"$gt":""}',
  '%00%0a',
  'ﷺ'.repeat(100),
  'x'.repeat(2001),
  '👩‍👩‍👧‍👦'.repeat(180),
);
const TEXT = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.lorem({ maxCount: 8 }), NASTY_TEXT);
const NUMBER = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(
    0,
    -1,
    255,
    256,
    257,
    2048,
    2049,
    2560,
    24,
    25,
    241,
    242,
    1e308,
    2 ** 53,
    2 ** 53 - 1,
    -0.5,
  ),
);
const ANYTHING = fc.oneof(TEXT, NUMBER, fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 2 }));
const FIELD_NAME = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'prompt ', 'Prompt', 'job_id', 'account_id'),
);

/** A value that the schema allows. */
function valid(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valid));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'integer':
    case 'number': {
      const min = Math.max(schema.minimum ?? 0, Number.MIN_SAFE_INTEGER);
      const max = Math.min(schema.maximum ?? 1000, Number.MAX_SAFE_INTEGER);
      return fc.oneof(
        fc.maxSafeInteger().map((n) => min + (Math.abs(n) % (max - min + 1))),
        fc.constantFrom(min, max),
      );
    }
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'object':
      return object(schema, valid);
    case undefined:
    default:
      return fc.oneof(fc.lorem({ maxCount: 8 }), fc.string({ minLength: 1, maxLength: 40 }));
  }
}

function object(schema: Schema, field: (schema: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties ?? {});
  const model = Object.fromEntries(properties.map(([name, each]) => [name, field(each)]));
  return fc.record(model, { requiredKeys: (schema.required ?? []).filter((name) => name in model) });
}

/** A body: as documented, with one or more wrong fields, with unknown ones, any JSON, or no JSON at all. */
function bodies(schema: Schema): fc.Arbitrary<string> {
  const fine = valid(schema).map((value) => JSON.stringify(value));
  const wrongFields = object(schema, (each) => fc.oneof(valid(each), ANYTHING)).map((value) =>
    JSON.stringify(value),
  );
  const moreFields = fc
    .tuple(valid(schema), fc.dictionary(FIELD_NAME, ANYTHING, { maxKeys: 3 }))
    .map(([value, more]) => JSON.stringify({ ...(value as object), ...more }));
  const anyJson = fc.json({ maxDepth: 4 });
  const broken = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fine.map((text) => text.slice(0, -1)),
    fc.constantFrom(
      '',
      '{',
      'null',
      '[]',
      '"',
      'NaN',
      `{"prompt":${'['.repeat(5000)}`,
      `{"prompt":"${'y'.repeat(70_000)}"}`,
    ),
    fc.constant('{"__proto__":{"prompt":"x"},"prompt":"a","prompt":"b"}'),
  );
  return fc.oneof({ arbitrary: fine, weight: 4 }, wrongFields, wrongFields, moreFields, anyJson, broken);
}

/** URLs cannot carry half of a surrogate pair. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

/** Header values that HTTP itself allows; the rest never reaches a server. */
const HEADER_TEXT = fc.string({ minLength: 1, maxLength: 300 }).map((text) => text.trim() || '-');

function headers(operation: Operation): fc.Arbitrary<Record<string, string>> {
  const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'header');
  const own = Object.fromEntries(
    named.map(({ name, schema }) => [name, fc.oneof(valid(schema).map(String), HEADER_TEXT)]),
  );
  const plain = fc.record(
    {
      ...own,
      range: fc.constantFrom('bytes=0-1', 'bytes=-', 'bytes=9-1', 'bytes=999999-'),
      'last-event-id': fc.oneof(HEADER_TEXT, fc.constant('end')),
      accept: fc.constantFrom('*/*', 'text/html', 'x'),
    },
    { requiredKeys: [] },
  );
  return plain.map((made) =>
    Object.fromEntries(
      Object.entries(made).map(([name, value]) => [
        name,
        String(value)
          .replace(/[^\x20-\x7e]/g, '?')
          .trim() || '-',
      ]),
    ),
  );
}

function paths(template: string, operation: Operation): fc.Arbitrary<string> {
  const id = fc.oneof(
    { arbitrary: fc.constantFrom('{own}', '{foreign}'), weight: 5 },
    TEXT.map((text) => encodeURIComponent(wellFormed(text)) || '-'),
    fc.constantFrom('0'.repeat(32), '%', '%ff', '..', 'A'.repeat(32), 'x'.repeat(600)),
  );
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const asked = fc.record(
    Object.fromEntries(query.map(({ name, schema }) => [name, fc.oneof(valid(schema).map(String), TEXT)])),
    { requiredKeys: [] },
  );
  return fc.tuple(id, asked, fc.dictionary(FIELD_NAME, TEXT, { maxKeys: 1 })).map(([one, wanted, more]) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...wanted, ...more })) {
      search.set(wellFormed(name), wellFormed(String(value)));
    }
    return `${template.replace('{id}', one)}${search.size > 0 ? `?${search.toString()}` : ''}`;
  });
}

/** Requests of every operation of a document, as many as asked, the same for the same seed. */
export function fuzzRequests(document: OpenApi, count: number, seed: number): FuzzRequest[] {
  const operations = Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      template,
      method: method.toUpperCase(),
      operation,
    })),
  );
  const one = operations.map(({ template, method, operation }) => {
    const schema = operation.requestBody?.content['application/json']?.schema;
    const documented = Object.keys(operation.responses).map(Number);
    return fc
      .tuple(
        paths(template, operation),
        headers(operation),
        schema === undefined
          ? fc.constant(undefined)
          : fc.option(bodies(schema), { nil: undefined, freq: 20 }),
      )
      .map(([path, head, body]): FuzzRequest => ({
        method,
        template,
        path,
        headers: head,
        body,
        documented,
      }));
  });
  return fc.sample(fc.oneof(...one), { numRuns: count, seed });
}
