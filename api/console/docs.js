const text = (value) => document.createTextNode(String(value));
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map((child) => (child instanceof Node ? child : text(child))));
  return made;
}

function typeOf(schema) {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const parts = [schema.type === 'array' ? `list of ${typeOf(schema.items)}` : schema.type];
  if (
    schema.minimum !== undefined &&
    schema.maximum !== undefined &&
    schema.maximum < Number.MAX_SAFE_INTEGER
  )
    parts.push(`${schema.minimum}–${schema.maximum}`);
  if (schema.maxLength !== undefined) parts.push(`≤ ${schema.maxLength} characters`);
  if (schema.default !== undefined) parts.push(`default ${schema.default}`);
  return parts.join(', ');
}

function table(heads, rows) {
  return element(
    'div',
    { class: 'scroll' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
      element(
        'tbody',
        {},
        ...rows.map((cells) => element('tr', {}, ...cells.map((cell) => element('td', {}, cell)))),
      ),
    ),
  );
}

function fields(schema) {
  return Object.entries(schema.properties ?? {}).map(([name, field]) => [
    element('code', {}, name),
    `${(schema.required ?? []).includes(name) && field.default === undefined ? 'required, ' : ''}${typeOf(field)}`,
    field.description ?? '',
  ]);
}

function operation(method, path, spec) {
  const card = element(
    'article',
    { class: 'card' },
    element('h3', {}, element('span', { class: 'verb' }, method.toUpperCase()), element('code', {}, path)),
    element('p', {}, spec.summary ?? '', spec.description ? ` — ${spec.description}` : ''),
  );
  const body = spec.requestBody?.content['application/json']?.schema;
  if (body) card.append(element('h4', {}, 'Body'), table(['Field', 'Type', ''], fields(body)));
  const extra = (spec.parameters ?? []).filter((parameter) => parameter.in !== 'path');
  if (extra.length > 0) {
    card.append(
      element('h4', {}, 'Headers and query'),
      table(
        ['Name', 'Type', ''],
        extra.map((each) => [
          element('code', {}, each.name),
          typeOf(each.schema),
          each.description ?? each.schema.description ?? '',
        ]),
      ),
    );
  }
  const answer = spec.responses['200']?.content?.['application/json']?.schema;
  if (answer?.properties)
    card.append(element('h4', {}, 'Answer 200'), table(['Field', 'Type', ''], fields(answer)));
  card.append(element('p', { class: 'muted' }, `Answers: ${Object.keys(spec.responses).join(', ')}`));
  return card;
}

const [spec, errors] = await Promise.all(
  ['/openapi.json', '/errors.json'].map(async (path) => (await fetch(path)).json()),
);
document.getElementById('example').textContent = `curl -X POST ${location.origin}/v1/images/generate \\
  -H "X-API-Key: zsky_live_..." -H "Content-Type: application/json" \\
  -d '{"prompt": "A neon-lit alley in Tokyo at dusk, photorealistic"}'`;
const reference = document.getElementById('reference');
for (const { name, description } of spec.tags) {
  reference.append(element('h2', { id: name.toLowerCase() }, name), element('p', {}, description));
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const [method, each] of Object.entries(methods))
      if (each.tags?.includes(name)) reference.append(operation(method, path, each));
  }
}
reference.removeAttribute('aria-busy');
const rows = Object.entries(errors).map(([code, { status, meaning }]) => [
  element('code', { id: code }, code),
  status,
  meaning,
]);
document.getElementById('error-table').append(table(['Code', 'Status', 'Meaning'], rows));
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
