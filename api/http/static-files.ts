import { readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../core/paths.js';
import type { App } from '../routes/app.js';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Pages of the API, all served from the same folder; nothing is built, what is there is what is sent. */
const PAGES: Readonly<Record<string, string>> = {
  '/': 'index.html',
  '/docs': 'docs.html',
  '/console/console.css': 'console.css',
  '/console/app.js': 'app.js',
  '/console/api.js': 'api.js',
  '/console/docs.js': 'docs.js',
  '/console/icon.svg': 'icon.svg',
};

/** Scripts and styles only from here; pictures and films also from the bucket that holds the results. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https: http: data: blob:; media-src 'self' https: http: blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Serves the console at `/` and the readable documentation at `/docs`. */
export function registerPages(app: App): void {
  const folder = join(PROJECT_ROOT, 'api', 'console');
  for (const [url, name] of Object.entries(PAGES)) {
    const path = join(folder, name);
    if (!existsSync(path)) throw new Error(`the console's file ${path} is missing in ${dirname(path)}`);
    const body = readFileSync(path);
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    app.get(url, { schema: { hide: true } }, async (_request, reply) => {
      const headers = {
        'content-type': type,
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      };
      return (reply.headers(headers) as unknown as { send(bytes: Buffer): unknown }).send(body);
    });
  }
}
