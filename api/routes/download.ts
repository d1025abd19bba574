import { z } from 'zod';
import { isKey } from '../../core/storage/keys.js';
import { checkDownload, DOWNLOAD_PATH } from '../../core/storage/signed-url.js';
import { ApiError } from '../http/api-errors.js';
import { parseRange } from '../http/range.js';
import type { Services } from '../services.js';
import type { App } from './app.js';

const query = z.object({ expires: z.string(), filename: z.string(), signature: z.string() });

/** Serves files of the local store to whoever holds a signed link; a bucket serves its own. */
export function downloadRoutes(app: App, services: Services, secret: string): void {
  app.get(
    `${DOWNLOAD_PATH}*`,
    { schema: { hide: true, params: z.object({ '*': z.string() }), querystring: z.looseObject({}) } },
    async (request, reply) => {
      const key = request.params['*'];
      const parsed = query.safeParse(request.query);
      const now = services.now();
      const refusal =
        parsed.success && isKey(key)
          ? checkDownload(secret, key, parsed.data, Math.floor(now / 1000))
          : 'forged';
      if (refusal === 'expired') {
        throw new ApiError('link_expired', 'This link has expired. Ask for the job again to get a new one.');
      }
      if (refusal !== undefined || !parsed.success) {
        throw new ApiError('link_invalid', 'This download link is not valid.');
      }
      const file = await services.store.stat(key);
      if (file === undefined) throw new ApiError('file_not_found', 'The file is no longer here.');
      const range = parseRange(request.headers.range, file.bytes);
      if (range === 'unsatisfiable') {
        throw new ApiError('range_not_satisfiable', `The file has ${file.bytes} bytes.`, {
          headers: { 'content-range': `bytes */${file.bytes}` },
        });
      }
      const left = Math.max(0, Number(parsed.data.expires) - Math.floor(now / 1000));
      // fastify answers HEAD through this handler too and drops the body: one byte is enough to drop.
      const read = request.method === 'HEAD' ? { start: 0, end: 0 } : range;
      const opened = await services.store.open(key, read);
      if (opened === undefined) throw new ApiError('file_not_found', 'The file is no longer here.');
      const length = range === undefined ? file.bytes : range.end - range.start + 1;
      return reply
        .code(range === undefined ? 200 : 206)
        .headers({
          'content-type': opened.contentType,
          'content-length': String(length),
          'content-disposition': `inline; filename="${parsed.data.filename.replace(/[^\w.-]/g, '_')}"`,
          'accept-ranges': 'bytes',
          'cache-control': `private, max-age=${left}, immutable`,
          'last-modified': file.modifiedAt.toUTCString(),
          'x-content-type-options': 'nosniff',
          'cross-origin-resource-policy': 'cross-origin',
          ...(range === undefined
            ? {}
            : { 'content-range': `bytes ${range.start}-${range.end}/${file.bytes}` }),
        })
        .send(opened.stream);
    },
  );
}
