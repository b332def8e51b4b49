/** What the handlers of writes share: what they work with, who may, and how a body is read. */
import type { IncomingMessage } from 'node:http';
import type { ZodType } from 'zod';
import type { z } from 'zod';
import { AppError } from '../../lib/contract/app-error';
import { toDetails } from '../../lib/contract/frames-json';
import { findIgnoredFields } from '../../lib/contract/ignored-fields';
import { parseStorableJson } from '../../lib/contract/parse-json';
import { runParamsSchema } from '../../lib/contract/reads';
import { type AccessRules, authenticate, permitProject, permitScope } from '../access/principal';
import type { MessageSender } from '../alerts/deliver/message-sender';
import type { AlertsClient } from '../alerts/alerts-client';
import type { CompactionClient } from '../compaction/compaction-client';
import type { BodyPool } from '../http/body-pool';
import type { BodyBudget } from '../http/read-body';
import type { Reply } from '../http/reply';
import type { Publisher } from '../publish/publisher';
import type { JobRunner } from './jobs/job-runner';
import type { ReceiveDependencies } from './receive-frames';

export interface RouteDependencies extends ReceiveDependencies {
  readonly access: AccessRules;
  readonly budget: BodyBudget;
  /** Memory of posts of frames. */
  readonly bodies: BodyPool;
  readonly bodyTimeoutMs: number;
  readonly publisher: Publisher;
  readonly compaction: Pick<CompactionClient, 'noteStored' | 'noteChanged' | 'forget'>;
  readonly alerts: Pick<
    AlertsClient,
    'noteStored' | 'noteChanged' | 'noteRules' | 'noteDeliveries' | 'forget'
  >;
  readonly jobs: JobRunner;
  /** For tests of channels; messages of incidents are sent by the thread. */
  readonly sender: MessageSender;
  readonly now: () => Date;
}

export interface WriteRequest {
  readonly request: IncomingMessage;
  readonly params: Readonly<Record<string, string>>;
}

export type WriteHandler = (deps: RouteDependencies, request: WriteRequest) => Promise<Reply>;

/** Throws AppError `unauthorized`, `forbidden`, `run_not_found`. */
export async function permittedRun(
  deps: RouteDependencies,
  request: IncomingMessage,
  params: Readonly<Record<string, string>>,
  scope: 'ingest' | 'admin',
) {
  const principal = await authenticate(request.headers, deps.access);
  permitScope(principal, scope);
  const parsed = runParamsSchema.safeParse(params);
  if (!parsed.success) throw new AppError('run_not_found', `there is no run ${params['id'] ?? ''}`);
  const run = await deps.runs.find(parsed.data.id);
  permitProject(principal, run.project);
  return run;
}

export function bodyOptions({ budget, bodyTimeoutMs }: RouteDependencies) {
  return { budget, timeoutMs: bodyTimeoutMs };
}

/** Throws AppError `invalid_body` naming the first field that is wrong. */
export function parseBody<T extends ZodType>(schema: T, body: Uint8Array): z.output<T> {
  return parseJobsBody(schema, body).input;
}

/**
 * The same of what a training job posts: it may be of a newer contract, and so fields that are
 * not known are no fault but told.
 */
export function parseJobsBody<T extends ZodType>(
  schema: T,
  body: Uint8Array,
): { readonly input: z.output<T>; readonly ignored: readonly string[] } {
  const raw = parseStorableJson(body);
  const result = schema.safeParse(raw);
  if (result.success) {
    return { input: result.data, ignored: findIgnoredFields(raw, result.data) };
  }
  const details = toDetails(result.error, []);
  const [first] = details;
  const path = first === undefined || first.path === '' ? 'body' : first.path;
  throw new AppError('invalid_body', `${path}: ${first?.message ?? 'unreadable'}`, { details });
}
