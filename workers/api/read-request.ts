/** What the handlers of reads share: what they are asked, of which run and layer, by whom. */
import type { IncomingMessage } from 'node:http';
import type { ZodType, z } from 'zod';
import { AppError } from '../../lib/contract/app-error';
import { toDetails } from '../../lib/contract/frames-json';
import { layerParamsSchema, runParamsSchema } from '../../lib/contract/reads';
import type { Database } from '../../lib/store/database';
import { findRunProject } from '../../lib/store/runs/runs';
import { type Principal, permitProject } from '../access/principal';
import type { BodyPool } from '../http/body-pool';
import type { Reply } from '../http/reply';
import type { AdviceWatch } from './advice-watch';

export interface ReadRequest {
  readonly request: IncomingMessage;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly principal: Principal;
  /** For replies of megabytes. */
  readonly bodies: BodyPool;
  /** Whether the operator has set up a mail server. */
  readonly canSendEmail: boolean;
  readonly advice: AdviceWatch;
}

export type ReadHandler = (db: Database, request: ReadRequest) => Promise<Reply>;

export function parseQuery<T extends ZodType>(schema: T, query: unknown): z.output<T> {
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  const details = toDetails(result.error, []);
  const [first] = details;
  throw new AppError('invalid_query', `${first?.path ?? ''}: ${first?.message ?? 'unreadable'}`, {
    details,
  });
}

/**
 * The run's public id. Where anybody may read, whether there is such a run is left to the
 * read itself, which looks for it anyway.
 */
export async function permittedRunId(
  db: Database,
  { params, principal }: ReadRequest,
): Promise<string> {
  const parsed = runParamsSchema.safeParse({ id: params['id'] });
  const runId = parsed.success ? parsed.data.id : null;
  if (runId !== null && principal.kind === 'open') return runId;
  const project = runId === null ? null : await findRunProject(db, runId);
  if (runId === null || project === null) {
    throw new AppError('run_not_found', `there is no run ${params['id'] ?? ''}`);
  }
  permitProject(principal, project);
  return runId;
}

export async function permittedLayer(
  db: Database,
  request: ReadRequest,
): Promise<{ readonly runId: string; readonly index: number }> {
  const runId = await permittedRunId(db, request);
  const parsed = layerParamsSchema.safeParse({ id: runId, index: request.params['index'] });
  if (!parsed.success) {
    throw new AppError(
      'layer_not_found',
      `layer ${request.params['index'] ?? ''}: expected an index of 0 or more`,
    );
  }
  return { runId, index: parsed.data.index };
}

/** Whether the client names this media type; wildcards get JSON, which a person can read. */
export function accepts(request: IncomingMessage, mediaType: string): boolean {
  return (request.headers.accept ?? '')
    .split(',')
    .some((entry) => entry.split(';', 1)[0]?.trim().toLowerCase() === mediaType);
}
