import { connect, type Socket } from 'node:net';

/** Sends one request again and again over kept-alive connections. */
export interface LoadOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly durationMs: number;
}

/** Bytes of the first whole response in the buffer; 0 when it is not whole yet. */
function responseLength(buffer: Buffer): number {
  const end = buffer.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const length = /content-length: (\d+)/i.exec(buffer.toString('latin1', 0, end))?.[1];
  const total = end + 4 + Number(length ?? 0);
  return buffer.length >= total ? total : 0;
}

function worker(options: LoadOptions, request: Buffer, until: number): Promise<number> {
  const { hostname, port } = new URL(options.url);
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(Number(port), hostname, () => socket.write(request));
    socket.setNoDelay(true);
    let buffer: Buffer = Buffer.alloc(0);
    let done = 0;
    socket.on('error', reject);
    // After the last answer this is our own doing, and the promise is settled.
    socket.on('close', () => reject(new Error('the server closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
      const length = responseLength(buffer);
      if (length === 0) return;
      if (!buffer.subarray(0, 12).equals(Buffer.from('HTTP/1.1 200'))) {
        socket.destroy();
        return reject(new Error(`answered ${buffer.toString('latin1', 0, 200)}`));
      }
      buffer = buffer.subarray(length);
      done += 1;
      if (performance.now() < until) socket.write(request);
      else {
        socket.destroy();
        resolve(done);
      }
    });
  });
}

/**
 * Requests per second that a server answers with 200. Written on bare sockets: an HTTP client of Node's would be
 * slower than what it measures.
 */
export async function requestsPerSecond(options: LoadOptions): Promise<number> {
  const { pathname, host } = new URL(options.url);
  const lines = Object.entries({ host, ...options.headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const started = performance.now();
  const until = started + options.durationMs;
  const counts = await Promise.all(
    Array.from({ length: options.connections }, () => worker(options, request, until)),
  );
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - started) / 1000);
}
