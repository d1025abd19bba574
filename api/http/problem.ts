import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../core/logging.js';
import { API_ERRORS, ApiError } from './api-errors.js';

/** fastify's own refusals of a body, all of which the API document calls 400. */
const BODY_ERRORS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON, sent with Content-Type: application/json.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty; it must be a JSON object.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is larger than 64 KiB.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its Content-Length says.',
  FST_ERR_CTP_INVALID_CONTENT_TYPE: 'The Content-Type header cannot be read.',
};

function asApiError(error: FastifyError | ApiError): ApiError {
  if (error instanceof ApiError) return error;
  const body = BODY_ERRORS[error.code];
  if (body !== undefined) return new ApiError('invalid_json', body);
  if (error instanceof SyntaxError)
    return new ApiError('invalid_json', BODY_ERRORS.FST_ERR_CTP_INVALID_JSON_BODY);
  // Other 4xx of the framework: a path or header it cannot take.
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new ApiError('invalid_params', 'The request cannot be read.');
  }
  return new ApiError('internal', 'Something went wrong on our side. Please try again.');
}

/** The body of an error: problem+json (RFC 9457) with our code, the request's id and the text as `error`. */
export function problemText(error: ApiError, requestId: string): string {
  const { status, title } = API_ERRORS[error.code];
  return JSON.stringify({
    type: `/docs#${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    error: error.message,
    request_id: requestId,
    ...error.options.extra,
  });
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: ApiError): FastifyReply {
  return reply
    .code(error.status)
    .headers({ ...error.options.headers, 'cache-control': 'no-store' })
    .type('application/problem+json')
    .send(problemText(error, request.id));
}

/** Answers anything thrown in a route; what nobody foresaw is logged, without the request's content. */
export function problemHandler(log: Logger) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const known = asApiError(error);
    if (known.code === 'internal') {
      log.error({ err: error, requestId: request.id, route: request.routeOptions.url }, 'a request failed');
    }
    void sendProblem(request, reply, known);
  };
}
