import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65535);
const ms = z.coerce.number().int().min(1);
/** Environment variables carry text; files carry real lists and booleans. */
const list = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean)
      : value,
  z.array(z.string()),
);
const flag = z.preprocess(
  (value) => (value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value),
  z.boolean(),
);

const broker = z.strictObject({
  url: z
    .string()
    .optional()
    .describe('NATS server to use, e.g. nats://host:4222. Absent: `npm start` runs a private one.'),
  port: port.default(4222).describe('Port of the private NATS server.'),
  binary: z
    .string()
    .optional()
    .describe('Path of nats-server. Absent: PATH, then the copy that set-up fetched.'),
  token: z.string().optional().meta({ secret: true }).describe('Token for the NATS server.'),
  replicas: z.coerce
    .number()
    .int()
    .min(1)
    .max(5)
    .default(1)
    .describe('Replicas of every stream; 3 in a NATS cluster.'),
});

const s3 = z.strictObject({
  endpoint: z.url().describe('Address of the S3-compatible service.'),
  bucket: z.string().describe('Bucket for results.'),
  region: z.string().default('auto').describe('Region to sign for.'),
  accessKeyId: z.string().meta({ secret: true }).describe('Access key id.'),
  secretAccessKey: z.string().meta({ secret: true }).describe('Secret access key.'),
});

const storage = z.strictObject({
  driver: z
    .enum(['local', 's3'])
    .default('local')
    .describe('Where results are kept: a folder, or an S3-compatible service.'),
  folder: z.string().optional().describe('Folder of the local driver. Absent: results/ in the data folder.'),
  s3: s3.optional().describe('Settings of the S3 driver.'),
});

const count = z.coerce.number().int().min(0);

const limits = z.strictObject({
  videosPerMonth: count.default(300).describe('Films included in each calendar month (UTC).'),
  imagesPerMonth: count.default(1000).describe('Pictures included in each calendar month (UTC).'),
  videosPerDay: count.default(50).describe('Films per UTC day.'),
  imagesPerDay: count.default(200).describe('Pictures per UTC day.'),
  concurrentJobs: count.default(3).describe('Jobs of one account that may be waiting or running at once.'),
  requestsPerMinute: count
    .default(20)
    .describe('Requests of one account in any 60 seconds; reading jobs is not counted.'),
  overageCentsPerVideo: count.default(50).describe('Price of a film beyond the allowance, in cents.'),
  overageCentsPerImage: count.default(5).describe('Price of a picture beyond the allowance, in cents.'),
});

const api = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address to listen on.'),
  port: port.default(8080).describe('Port to listen on; 0 takes a free one.'),
  publicUrl: z
    .url()
    .optional()
    .describe('Address customers see, used in download links. Absent: http://host:port.'),
  databaseUrl: z
    .string()
    .optional()
    .describe('postgres://… for several API processes. Absent: SQLite in the data folder.'),
  urlSecret: z
    .string()
    .min(16)
    .optional()
    .meta({ secret: true })
    .describe('Key that signs local download links. Absent: made on first start.'),
  limits: limits.prefault({}),
  webhooksToPrivateAddresses: flag
    .default(false)
    .describe('Also deliver webhooks to private and local addresses; for development only.'),
});

const daemon = z.strictObject({
  nodeId: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .optional()
    .describe('Name of this node in messages and watermarks. Absent: made on first start.'),
  packs: list
    .default(['models/packs/starter-image', 'models/packs/starter-video', 'models/packs/starter-audio'])
    .describe('Model pack folders to load; missing starter packs are passed over.'),
  device: z.enum(['cpu', 'cuda']).default('cpu').describe('Execution provider. Never falls back by itself.'),
  deviceId: z.coerce.number().int().min(0).default(0).describe('CUDA device number.'),
  threads: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Threads of a graph run; 0 leaves it to ONNX Runtime.'),
  ackWaitMs: ms
    .default(30_000)
    .describe('The broker gives a job to another node when it has heard nothing for this long.'),
  stageBudgetMs: ms
    .default(120_000)
    .describe('An executor without progress for this long is killed and the job goes back.'),
  maxAttempts: z.coerce
    .number()
    .int()
    .min(1)
    .max(20)
    .default(5)
    .describe('Starts of one job before it fails for good.'),
  drainMs: ms.default(120_000).describe('How long SIGTERM waits for the running job before giving it back.'),
  watermarkKey: z
    .string()
    .min(16)
    .optional()
    .meta({ secret: true })
    .describe('Key of the invisible watermark. Absent: made on first start. Keep it: it reads old results.'),
  policy: z
    .string()
    .optional()
    .describe(
      'Folder of the safety policy, a copy of safety/policy. Absent: the one that comes with the node.',
    ),
  ffmpeg: z
    .string()
    .optional()
    .describe('Path of ffmpeg. Absent: ffmpeg-static, PATH, then the copy that set-up fetched.'),
  encoder: z.enum(['x264', 'nvenc']).default('x264').describe('H.264 encoder for films.'),
  credentials: z.enum(['on', 'off']).default('on').describe('Sign a C2PA manifest into every result.'),
  credentialsCertificate: z
    .string()
    .optional()
    .describe('PEM chain that signs manifests. Absent: a development one, made on first start.'),
  credentialsKey: z.string().optional().describe('PEM private key belonging to it.'),
});

const log = z.strictObject({
  level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe level that is written.'),
  pretty: flag.default(false).describe('Lines for people instead of JSON.'),
});

/** Everything an operator can set; each program is handed its own slice. */
export const settingsSchema = z.strictObject({
  dataDir: z.string().default('./data').describe('Folder for database, results, broker data and secrets.'),
  broker: broker.prefault({}),
  storage: storage.prefault({}),
  api: api.prefault({}),
  daemon: daemon.prefault({}),
  log: log.prefault({}),
});

export type Settings = z.infer<typeof settingsSchema>;
export type BrokerSettings = Settings['broker'];
export type StorageSettings = Settings['storage'];
export type ApiSettings = Settings['api'];
/** What one account may use; the defaults are the public document's numbers. */
export type Limits = ApiSettings['limits'];
export type DaemonSettings = Settings['daemon'];
export type LogSettings = Settings['log'];
