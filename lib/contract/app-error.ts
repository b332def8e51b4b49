/** Every expected failure of the wire contract and the HTTP status that carries it. */
export const STATUS_OF_CODE = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  host_not_allowed: 403,
  not_found: 404,
  run_not_found: 404,
  project_not_found: 404,
  layer_not_found: 404,
  spike_not_found: 404,
  distribution_not_found: 404,
  samples_not_found: 404,
  job_not_found: 404,
  note_not_found: 404,
  rule_not_found: 404,
  incident_not_found: 404,
  channel_not_found: 404,
  delivery_not_found: 404,
  attempt_not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  layers_differ: 409,
  id_taken: 409,
  step_conflict: 409,
  layers_overlap: 409,
  run_finished: 410,
  body_too_large: 413,
  unsupported_media_type: 415,
  unsupported_encoding: 415,
  invalid_body: 422,
  invalid_query: 422,
  invalid_frame: 422,
  layer_count_mismatch: 422,
  layer_offset_out_of_range: 422,
  step_negative: 422,
  step_out_of_order: 422,
  step_out_of_range: 422,
  step_before_resume: 422,
  step_not_stored: 422,
  outside_spikes: 422,
  too_many_metrics: 422,
  too_many_rules: 422,
  address_not_allowed: 422,
  writer_saturated: 429,
  too_many_jobs: 429,
  too_many_exports: 429,
  too_many_waiters: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof STATUS_OF_CODE;

/** What stood where: `path` is dotted from the body's root, as in `frames.3.layers.gradient_rms`. */
export interface FaultDetail {
  readonly path: string;
  readonly message: string;
}

/**
 * An expected failure with a stable code. Bugs are plain errors: they crash their
 * request and answer `internal` without a message from inside.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly FaultDetail[];
  /** Seconds after which the caller may try again, for 429 and 503. */
  readonly retryAfterSeconds: number | null;
  /** The methods that are answered, for 405. */
  readonly allowedMethods: readonly string[];

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      details?: readonly FaultDetail[];
      retryAfterSeconds?: number;
      allowedMethods?: readonly string[];
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.allowedMethods = options.allowedMethods ?? [];
  }

  get status(): number {
    return STATUS_OF_CODE[this.code];
  }
}

/** The body of every failed reply. */
export interface ErrorReply {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly details?: readonly FaultDetail[];
  };
}

export function toErrorReply(error: AppError): ErrorReply {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.details.length > 0 ? { details: error.details } : {}),
    },
  };
}

/** The end of an exhaustive `switch`: a new variant becomes a type error here. */
export function assertNever(value: never): never {
  throw new Error(`unexpected variant: ${JSON.stringify(value)}`);
}
