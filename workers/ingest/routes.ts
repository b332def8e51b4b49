/**
 * The writes of the contract. Each route parses, asks whether it is permitted, acts, and
 * answers; changes of a run are forgotten by the cache before the answer leaves.
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../lib/contract/app-error';
import type { Frame } from '../../lib/contract/frame';
import {
  type CreateRunReply,
  createEventSchema,
  createRunSchema,
  finishRunSchema,
  patchRunSchema,
} from '../../lib/contract/runs';
import { saveEvent } from '../../lib/store/events';
import { createRun } from '../../lib/store/runs/create-run';
import { finishRun, patchRun } from '../../lib/store/runs/runs';
import { authenticate, permitProject, permitScope } from '../access/principal';
import { withBody } from '../http/read-body';
import { type Reply, json, ok } from '../http/reply';
import type { Route } from '../http/router';
import { ALERT_ROUTES } from './alerts/alert-routes';
import { CHANNEL_ROUTES } from './alerts/channel-routes';
import { decodeFrames, decodeSamples } from './decode-frames';
import { JOB_ROUTES } from './jobs/job-routes';
import { NOTE_ROUTES } from './notes/note-routes';
import { PROJECT_ROUTES } from './projects/project-routes';
import { removeRun } from './projects/remove-run';
import { receiveFrames } from './receive-frames';
import { receiveSamples } from './samples/receive-samples';
import {
  type RouteDependencies,
  type WriteHandler,
  type WriteRequest,
  bodyOptions,
  parseBody,
  parseJobsBody,
  permittedRun,
} from './write-request';

/** For the front door alone, which passes no such path on. */
const DETECTION_PATH = '/internal/runs/:id/detection';

export const WRITE_ROUTES: readonly Route<WriteHandler>[] = [
  { method: 'POST', path: '/api/v1/runs', handler: postRun },
  { method: 'PATCH', path: '/api/v1/runs/:id', handler: patchRunRoute },
  { method: 'DELETE', path: '/api/v1/runs/:id', handler: deleteRunRoute },
  { method: 'POST', path: '/api/v1/runs/:id/frames', handler: postFrames },
  { method: 'POST', path: '/api/v1/runs/:id/samples', handler: postSamples },
  { method: 'POST', path: '/api/v1/runs/:id/events', handler: postEvent },
  { method: 'POST', path: '/api/v1/runs/:id/finish', handler: postFinish },
  { method: 'GET', path: DETECTION_PATH, handler: getDetection },
  ...ALERT_ROUTES,
  ...CHANNEL_ROUTES,
  ...JOB_ROUTES,
  ...NOTE_ROUTES,
  ...PROJECT_ROUTES,
];

/** 201 with a new run or attempt, 200 with one that was there; 409 layers_differ, id_taken; 422. */
async function postRun(deps: RouteDependencies, { request }: WriteRequest): Promise<Reply> {
  const principal = await authenticate(request.headers, deps.access);
  permitScope(principal, 'ingest');
  return withBody(request, bodyOptions(deps), async (body) => {
    const { input, ignored } = parseJobsBody(createRunSchema, body);
    permitProject(principal, input.project);
    const created = await createRun(deps.access.db, input);
    deps.runs.forget(created.id);
    if (created.isNewAttempt) {
      // The one before it has all its steps now.
      const { runKey, attempt } = created;
      if (attempt > 1) deps.compaction.noteChanged(runKey, [attempt - 1]);
      deps.alerts.noteChanged(runKey);
      deps.publisher.publishRun({ runId: created.id, status: 'running', attempt: created.attempt });
    }
    const reply: CreateRunReply = {
      id: created.id,
      attempt: created.attempt,
      nextStep: created.nextStep,
      url: `${originOf(request)}/runs/${encodeURIComponent(created.id)}`,
      ...tellIgnored(deps, ignored),
    };
    return json(created.isNew || created.isNewAttempt ? 201 : 200, reply);
  });
}

/** 200 with the counts of the contract; 404, 410, 413, 415, 422, 429, 503. */
async function postFrames(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const startMs = performance.now();
  const run = await permittedRun(deps, request, params, 'ingest');
  return withBody(request, { ...bodyOptions(deps), pool: deps.bodies }, async (body, release) => {
    const decoded = decodeFrames(request.headers['content-type'], body);
    const reply = await receiveFrames(deps, run.id, decoded);
    // Samples and histograms may wait for their statistics or a spike for longer.
    if (decoded.frames.every(isPlain)) release();
    deps.metrics.observeAcknowledgement((performance.now() - startMs) / 1000);
    return ok(reply);
  });
}

/** 200 with what became of each step's samples; 404, 410, 413, 415, 422, 503. */
async function postSamples(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'ingest');
  return withBody(request, bodyOptions(deps), async (body) => {
    const decoded = decodeSamples(request.headers['content-type'], body);
    return ok(await receiveSamples(deps, run.id, decoded));
  });
}

/** Whether nothing behind the reply reads the frame any more: viewers and detectors have copies. */
function isPlain({ samples, histograms }: Frame): boolean {
  return samples === null && histograms.size === 0;
}

/** 201 with the event, 200 when it was there; 404 run_not_found, attempt_not_found; 422. */
async function postEvent(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'ingest');
  return withBody(request, bodyOptions(deps), async (body) => {
    const { input, ignored } = parseJobsBody(createEventSchema, body);
    const attempt = input.attempt ?? run.newestAttempt;
    if (!run.attempts.some((candidate) => candidate.attempt === attempt)) {
      throw new AppError('attempt_not_found', `run ${run.id} has no attempt ${attempt}`);
    }
    const { event, isNew } = await saveEvent(
      deps.access.db,
      run,
      { ...input, attempt },
      deps.now(),
    );
    if (isNew) {
      const { kind, step, title } = event;
      deps.publisher.publishEvent({ runId: run.id, kind, step, attempt, title });
    }
    return json(isNew ? 201 : 200, { ...event, ...tellIgnored(deps, ignored) });
  });
}

/** 200 once what detectors found is written, with how far they are, null where they are not at it; 404. */
async function getDetection(deps: RouteDependencies, { params }: WriteRequest): Promise<Reply> {
  const run = await deps.runs.find(params['id'] ?? '');
  return ok({ attempt: run.newestAttempt, seen: await deps.detection.settle(run) });
}

/** 200 with the status, once detection is through; the same finish again is the same answer. */
async function postFinish(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'ingest');
  return withBody(request, bodyOptions(deps), async (body) => {
    const { input, ignored } = parseJobsBody(finishRunSchema, body);
    const { status } = input;
    await finishRun(deps.access.db, run.id, status, deps.now());
    deps.runs.forget(run.id);
    await deps.detection.finish(run);
    await deps.samples.settled();
    // One that failed may go on from a checkpoint, and a spike of its next attempt begin in this one.
    if (status === 'finished') deps.samples.letGo(run.runKey);
    deps.previousGradients.forget(run.runKey);
    deps.compaction.noteChanged(run.runKey, [run.newestAttempt]);
    deps.alerts.noteChanged(run.runKey);
    deps.publisher.publishRun({ runId: run.id, status, attempt: run.newestAttempt });
    return ok({ id: run.id, status, ...tellIgnored(deps, ignored) });
  });
}

/** What a reply says of fields that are not known; nothing where there are none. */
function tellIgnored(
  { metrics }: RouteDependencies,
  ignored: readonly string[],
): { readonly ignored?: string[] } {
  if (ignored.length === 0) return {};
  metrics.countIgnoredFields(ignored.length);
  return { ignored: [...ignored] };
}

/** 200 with what was set; 404; 422 for any other field. */
async function patchRunRoute(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'admin');
  return withBody(request, bodyOptions(deps), async (body) => {
    const patch = parseBody(patchRunSchema, body);
    await patchRun(deps.access.db, run.id, patch);
    deps.runs.forget(run.id);
    deps.publisher.publishRun({ runId: run.id, status: run.status, attempt: run.newestAttempt });
    return ok({ id: run.id, ...patch });
  });
}

/** 200 once everything of the run is gone; 404. */
async function deleteRunRoute(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'admin');
  await removeRun(deps, run);
  return ok({ id: run.id, deleted: true });
}

/** Where the browser of whoever posted finds us: the front door forwards the Host it was asked for. */
function originOf(request: IncomingMessage): string {
  const forwarded = request.headers['x-forwarded-proto'];
  const protocol = forwarded === 'https' ? 'https' : 'http';
  return `${protocol}://${request.headers.host ?? 'localhost'}`;
}
