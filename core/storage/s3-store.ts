import { Readable } from 'node:stream';
import { AwsClient } from 'aws4fetch';
import { NodeError } from '../errors.js';
import type { Released } from '../released.js';
import { checkKey, contentTypeOf } from './keys.js';
import { releasedBytes } from './read-release.js';
import type { ByteRange, OpenedFile, ResultStore, StoredFile } from './store.js';

/** Settings of a result store in an S3-compatible bucket (AWS, R2, MinIO). */
export interface S3StoreOptions {
  /** Base address without the bucket, for example `https://<account>.r2.cloudflarestorage.com`. */
  readonly endpoint: string;
  readonly bucket: string;
  /** `auto` for R2. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const REQUEST_TIMEOUT_MS = 120_000;

/** The text of the first `<tag>` in a piece of S3's flat XML. */
function field(xml: string, tag: string): string | undefined {
  const found = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
  return found
    ?.replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

/** Results in an S3-compatible bucket, downloaded through SigV4 pre-signed URLs without passing the API. */
export class S3Store implements ResultStore {
  private readonly client: AwsClient;

  constructor(private readonly options: S3StoreOptions) {
    this.client = new AwsClient({
      accessKeyId: options.accessKeyId,
      secretAccessKey: options.secretAccessKey,
      region: options.region,
      service: 's3',
      retries: 3,
    });
  }

  private url(key?: string): URL {
    const { endpoint, bucket } = this.options;
    return new URL(`${endpoint.replace(/\/$/, '')}/${bucket}${key === undefined ? '' : `/${key}`}`);
  }

  /** Sends a signed request; undefined for 404, an error for every other refusal. */
  private async send(url: URL, what: string, init: RequestInit = {}): Promise<Response | undefined> {
    let response: Response;
    try {
      response = await this.client.fetch(url.href, {
        ...init,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
    } catch (error) {
      throw new NodeError('STORAGE_UNAVAILABLE', `${what}: the store cannot be reached`, { cause: error });
    }
    if (response.ok) return response;
    const body = await response.text();
    if (response.status === 404 && field(body, 'Code') !== 'NoSuchBucket') return undefined;
    const reason = field(body, 'Code') ?? response.statusText;
    throw new NodeError('STORAGE_UNAVAILABLE', `${what}: the store answered ${response.status} ${reason}`);
  }

  async put(key: string, released: Released): Promise<void> {
    checkKey(key);
    // Whole in memory: the largest film (241 frames, 2560x2560) is tens of megabytes, and a single
    // signed PUT is atomic where a multipart upload would need its own clean-up.
    const body = await releasedBytes(released);
    const headers = { 'content-type': contentTypeOf(key), 'x-amz-content-sha256': released.facts.sha256 };
    const stored = await this.send(this.url(key), `cannot store ${key}`, { method: 'PUT', body, headers });
    if (stored === undefined) throw new NodeError('STORAGE_UNAVAILABLE', `cannot store ${key}: answered 404`);
  }

  async open(key: string, range?: ByteRange): Promise<OpenedFile | undefined> {
    checkKey(key);
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` };
    const response = await this.send(this.url(key), `cannot open ${key}`, { headers });
    if (response === undefined) return undefined;
    const total = response.headers.get('content-range')?.split('/')[1];
    return {
      stream: Readable.fromWeb(response.body ?? new Blob([]).stream()),
      contentType: response.headers.get('content-type') ?? contentTypeOf(key),
      totalBytes: Number(total ?? response.headers.get('content-length')),
    };
  }

  async stat(key: string): Promise<StoredFile | undefined> {
    checkKey(key);
    const response = await this.send(this.url(key), `cannot look at ${key}`, { method: 'HEAD' });
    if (response === undefined) return undefined;
    return {
      key,
      bytes: Number(response.headers.get('content-length')),
      modifiedAt: new Date(response.headers.get('last-modified') ?? 0),
    };
  }

  async remove(key: string): Promise<void> {
    checkKey(key);
    await this.send(this.url(key), `cannot remove ${key}`, { method: 'DELETE' });
  }

  async signedUrl(key: string, expiresInSeconds: number, filename: string): Promise<string> {
    checkKey(key);
    const url = this.url(key);
    url.searchParams.set('X-Amz-Expires', String(expiresInSeconds));
    url.searchParams.set('response-content-disposition', `inline; filename="${filename}"`);
    // Query signing covers the host only: no checksum parameters, which make R2 refuse the GET.
    const signed = await this.client.sign(url.href, { method: 'GET', aws: { signQuery: true } });
    return signed.url;
  }

  async *list(prefix = ''): AsyncGenerator<StoredFile> {
    let token: string | undefined;
    do {
      const url = this.url();
      url.searchParams.set('list-type', '2');
      if (prefix !== '') url.searchParams.set('prefix', prefix);
      if (token !== undefined) url.searchParams.set('continuation-token', token);
      const xml = await (await this.send(url, 'cannot list the store'))?.text();
      if (xml === undefined) return;
      for (const [, entry] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        yield {
          key: field(entry, 'Key') ?? '',
          bytes: Number(field(entry, 'Size')),
          modifiedAt: new Date(field(entry, 'LastModified') ?? 0),
        };
      }
      token = field(xml, 'NextContinuationToken');
    } while (token !== undefined);
  }

  async tidy(): Promise<void> {
    // A single PUT leaves nothing behind when it fails.
  }
}
