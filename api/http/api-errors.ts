/** Every `code` an error body of the API can carry; docs/api-errors.md is held to this table by a test. */
export const API_ERRORS = {
  invalid_json: {
    status: 400,
    title: 'Malformed request body',
    meaning: 'The body is not JSON, is too large or has the wrong Content-Type.',
  },
  invalid_params: {
    status: 400,
    title: 'Invalid parameters',
    meaning: 'A parameter is missing, unknown or out of its range; the text names it.',
  },
  idempotency_key_reused: {
    status: 400,
    title: 'Idempotency-Key already used',
    meaning: 'The key belongs to a different call, or to one whose result was not kept.',
  },
  missing_key: { status: 401, title: 'API key missing', meaning: 'The request has no X-API-Key header.' },
  invalid_key: {
    status: 401,
    title: 'API key invalid',
    meaning: 'The key is unknown or was replaced by rotation.',
  },
  key_suspended: {
    status: 403,
    title: 'API key suspended',
    meaning:
      'Too many requests were rejected by safety, or an operator suspended the key; the text says why and until when.',
  },
  link_invalid: {
    status: 403,
    title: 'Download link invalid',
    meaning: 'The link was altered or not issued here.',
  },
  link_expired: {
    status: 403,
    title: 'Download link expired',
    meaning: 'The link is older than 24 hours; ask for the job again to get a new one.',
  },
  job_not_found: {
    status: 404,
    title: 'Job not found',
    meaning: 'There is no such job, it was purged, or it belongs to somebody else.',
  },
  file_not_found: {
    status: 404,
    title: 'File not found',
    meaning: 'The result was purged or deleted after its 7 days.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    meaning: 'There is nothing at this path, or not with this method.',
  },
  request_timeout: {
    status: 408,
    title: 'Request timeout',
    meaning: 'The request did not arrive whole in time.',
  },
  job_deleted: {
    status: 409,
    title: 'Job deleted',
    meaning: 'A zero-retention job was deleted while its call waited for the result.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'Range not satisfiable',
    meaning: 'The asked byte range lies outside the file.',
  },
  burst_limit: {
    status: 429,
    title: 'Too many requests',
    meaning: 'More than 20 requests within 60 seconds.',
  },
  concurrent_jobs_limit: {
    status: 429,
    title: 'Too many jobs at once',
    meaning: '3 jobs are already waiting or running.',
  },
  daily_cap_reached: {
    status: 429,
    title: 'Daily cap reached',
    meaning: '50 videos or 200 images were made this UTC day.',
  },
  monthly_allowance_reached: {
    status: 429,
    title: 'Monthly allowance reached',
    meaning: 'The allowance of this calendar month is used and overage is off.',
  },
  overage_budget_reached: {
    status: 429,
    title: 'Overage budget reached',
    meaning: 'The allowance is used and so is the overage budget.',
  },
  headers_too_large: {
    status: 431,
    title: 'Headers too large',
    meaning: 'Address and headers of the request are longer than 16 KiB together.',
  },
  prompt_blocked: {
    status: 451,
    title: 'Prompt refused',
    meaning: 'The safety check refused the prompt; nothing was made or charged.',
  },
  result_blocked: {
    status: 451,
    title: 'Result blocked',
    meaning: 'The safety check stopped a zero-retention result; it counts against the allowance.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    meaning: 'An error nobody foresaw; retrying may help, and support can find it by its request id.',
  },
  generation_failed: {
    status: 500,
    title: 'Generation failed',
    meaning: 'A zero-retention job failed; nothing was charged.',
  },
  storage_unavailable: {
    status: 500,
    title: 'Storage unavailable',
    meaning: 'The result store did not answer; a purge is remembered and will be finished.',
  },
  workers_unavailable: {
    status: 503,
    title: 'Workers unavailable',
    meaning:
      'No worker for this kind is there now. With a job_id the job is queued; without one nothing was accepted.',
  },
  broker_unavailable: {
    status: 503,
    title: 'Queue unavailable',
    meaning: 'Jobs cannot be queued now; nothing was accepted or charged.',
  },
} as const satisfies Record<string, { status: number; title: string; meaning: string }>;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** An answer other than success: its code decides the status, its text is for people. */
export class ApiError extends Error {
  constructor(
    readonly code: ApiErrorCode,
    /** In plain words; becomes `error` and `detail`. */
    message: string,
    readonly options: {
      readonly headers?: Readonly<Record<string, string>>;
      /** More members of the body. */
      readonly extra?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message);
    this.name = 'ApiError';
  }

  get status(): number {
    return API_ERRORS[this.code].status;
  }
}
