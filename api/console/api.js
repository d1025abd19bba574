/** What the API answered instead of success: its text is for people. */
export class Problem extends Error {
  constructor(body, status) {
    super(body?.error ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body?.code;
    this.body = body;
  }
}

/** The public API, called as any customer would. */
export class Api {
  constructor(key) {
    this.key = key;
  }

  async request(method, path, body) {
    let response;
    try {
      response = await fetch(path, {
        method,
        headers: {
          'x-api-key': this.key,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new Problem({ error: 'The server cannot be reached. Is your network up?', code: 'offline' }, 0);
    }
    const text = await response.text();
    const json = text === '' ? undefined : JSON.parse(text);
    if (!response.ok) throw new Problem(json, response.status);
    return json;
  }

  account = () => this.request('GET', '/v1/account');
  jobs = (before) =>
    this.request('GET', `/v1/jobs?limit=24${before === undefined ? '' : `&before=${before}`}`);
  job = (id) => this.request('GET', `/v1/jobs/${id}`);
  purge = (id) => this.request('DELETE', `/v1/jobs/${id}`);
  rotate = () => this.request('POST', '/v1/keys/rotate');
  setOverage = (cents) => this.request('PUT', '/v1/account/overage', { monthly_cap_cents: cents });
  create = (kind, body) => this.request('POST', `/v1/${kind}s/generate`, body);

  /**
   * Follows a job's events until its end, coming back after interruptions where it left off. EventSource
   * cannot send a key, so the stream is read by hand.
   */
  async follow(id, onEvent, signal) {
    let lastId;
    while (!signal.aborted) {
      try {
        const headers = {
          'x-api-key': this.key,
          ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
        };
        const response = await fetch(`/v1/jobs/${id}/events`, { headers, signal });
        if (response.status === 204 || response.status === 404 || response.status === 401) return;
        if (response.ok) {
          for await (const event of readEvents(response.body)) {
            lastId = event.id ?? lastId;
            onEvent(event);
            if (event.type === 'end') return;
          }
        }
      } catch {
        if (signal.aborted) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

async function* readEvents(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const blocks = buffer.split('\n\n');
    buffer = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      if (fields.event !== undefined)
        yield { type: fields.event, id: fields.id, data: JSON.parse(fields.data) };
    }
  }
}
