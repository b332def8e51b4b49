/**
 * What a project's policy lets go: a dry run says it, another run starts a job for each run
 * that has anything to lose.
 */
import { AppError } from '../../../lib/contract/app-error';
import { toDetails } from '../../../lib/contract/frames-json';
import type { ProjectPolicy } from '../../../lib/contract/project-policy';
import {
  retentionBodySchema,
  type RetentionAmounts,
  type RetentionReply,
  retentionQuerySchema,
} from '../../../lib/contract/retention';
import { findProjectPolicy } from '../../../lib/store/runs/project-policy';
import { findProjectRuns } from '../../../lib/store/runs/projects';
import {
  addAmounts,
  bytesOf,
  measureRetention,
  NOTHING_RELEASED,
} from '../../../lib/store/retention/measure-retention';
import { cutoffsOf, keepsEverything } from '../../../lib/store/retention/retention-cutoffs';
import { measureRun } from '../../../lib/store/runs/run-size';
import { withBody } from '../../http/read-body';
import { json, ok, type Reply } from '../../http/reply';
import {
  bodyOptions,
  parseBody,
  type RouteDependencies,
  type WriteRequest,
} from '../write-request';
import { permittedProject, projectNotFound } from './permitted-project';

type MeasuredRun = RetentionReply['runs'][number];

/** 200 with a dry run's answer, 202 once jobs are there; 404 project_not_found; 422. */
export async function postRetention(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const name = await permittedProject(deps, write);
  const dryRun = parseDryRun(write);
  return withBody(write.request, bodyOptions(deps), async (body) => {
    const asked = body.length === 0 ? {} : parseBody(retentionBodySchema, body);
    if (!dryRun && Object.keys(asked).length > 0) {
      const message = `expected no policy unless dryRun is true: set it by PUT /api/v1/projects/${name}/policy`;
      throw new AppError('invalid_body', `body: ${message}`, {
        details: [{ path: 'body', message }],
      });
    }
    const stored = await findProjectPolicy(deps.access.db, name);
    if (stored === null) throw projectNotFound(name);
    const named = Object.entries(asked).filter(([, days]) => days !== undefined);
    const policy: ProjectPolicy = { ...stored, ...Object.fromEntries(named) };
    const { runs, sizeBytes } = await measureProject(deps, name, policy);
    const amounts = runs.reduce<RetentionAmounts>(addAmounts, NOTHING_RELEASED);
    const reply: RetentionReply = {
      ...{ name, dryRun, policy, sizeBytes, freedBytes: bytesOf(amounts), ...amounts },
      runs: dryRun ? runs : await startJobs(deps, runs),
    };
    return dryRun ? ok(reply) : json(202, reply);
  });
}

function parseDryRun({ request }: WriteRequest): boolean {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const query = retentionQuerySchema.safeParse(Object.fromEntries(searchParams));
  if (query.success) return query.data.dryRun === 'true';
  const details = toDetails(query.error, []);
  throw new AppError('invalid_query', 'dryRun: expected true or false', { details });
}

/** One run after the other: each takes about a second a million steps. */
async function measureProject(
  { access: { db }, now }: RouteDependencies,
  name: string,
  policy: ProjectPolicy,
): Promise<{ readonly runs: MeasuredRun[]; readonly sizeBytes: number }> {
  const cutoffs = cutoffsOf(policy, now());
  const runs: MeasuredRun[] = [];
  let sizeBytes = 0;
  for (const run of (await findProjectRuns(db, name)) ?? []) {
    const { tables } = await measureRun(db, run.runKey);
    for (const table of tables) sizeBytes += table.sizeBytes;
    if (keepsEverything(cutoffs)) continue;
    const amounts = await measureRetention(db, run.runKey, cutoffs);
    const freedBytes = bytesOf(amounts);
    if (freedBytes === 0) continue;
    runs.push({ id: run.id, name: run.name, freedBytes, ...amounts, jobId: null });
  }
  return { runs: runs.sort((a, b) => b.freedBytes - a.freedBytes), sizeBytes };
}

/** What finds no place among the waiting jobs is left to the worker's own hourly look. */
async function startJobs(
  deps: RouteDependencies,
  runs: readonly MeasuredRun[],
): Promise<MeasuredRun[]> {
  const started: MeasuredRun[] = [];
  for (const run of runs) {
    started.push({ ...run, jobId: await startJob(deps, run.id) });
  }
  return started;
}

async function startJob(deps: RouteDependencies, runId: string): Promise<string | null> {
  try {
    const { job } = await deps.jobs.submit(await deps.runs.find(runId), {
      kind: 'apply_retention',
    });
    return job.id;
  } catch (error) {
    const isExpected =
      error instanceof AppError && ['too_many_jobs', 'run_not_found'].includes(error.code);
    if (isExpected) return null;
    throw error;
  }
}
