/** Notes are written by whoever may post events; what was said before is never lost. */
import { randomUUID } from 'node:crypto';
import { AppError } from '../../../lib/contract/app-error';
import { type CreateNote, createNoteSchema, patchNoteSchema } from '../../../lib/contract/notes';
import { changeNote, removeNote, saveNote } from '../../../lib/store/notes';
import { findSpike } from '../../../lib/store/findings/spikes';
import { withBody } from '../../http/read-body';
import { type Reply, json, ok } from '../../http/reply';
import type { Route } from '../../http/router';
import {
  type RouteDependencies,
  type WriteHandler,
  type WriteRequest,
  bodyOptions,
  parseBody,
  permittedRun,
} from '../write-request';

export const NOTE_ROUTES: readonly Route<WriteHandler>[] = [
  { method: 'POST', path: '/api/v1/runs/:id/notes', handler: postNote },
  { method: 'PATCH', path: '/api/v1/runs/:id/notes/:noteId', handler: patchNote },
  { method: 'DELETE', path: '/api/v1/runs/:id/notes/:noteId', handler: deleteNote },
];

type PermittedRun = Awaited<ReturnType<typeof permittedRun>>;

/** 201 with the note, 200 when it was there; 404 run_, spike_, layer_, attempt_not_found; 422. */
async function postNote(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'ingest');
  return withBody(request, bodyOptions(deps), async (body) => {
    const input = parseBody(createNoteSchema, body);
    const placed = await place(deps, run, input);
    const { note, isNew } = await saveNote(
      deps.access.db,
      run.runKey,
      { ...placed, id: input.id ?? randomUUID() },
      deps.now(),
    );
    if (isNew) tell(deps, run, note);
    return json(isNew ? 201 : 200, note);
  });
}

/** Checks what the note is about; a note at a spike stands at its onset unless it says where. */
async function place(
  { access }: RouteDependencies,
  run: PermittedRun,
  input: CreateNote,
): Promise<CreateNote> {
  const { layer, attempt, spikeId } = input;
  if (layer !== undefined && layer >= run.layerCount) {
    throw new AppError('layer_not_found', `run ${run.id} has no layer ${layer}`);
  }
  if (attempt !== undefined && !run.attempts.some((known) => known.attempt === attempt)) {
    throw new AppError('attempt_not_found', `run ${run.id} has no attempt ${attempt}`);
  }
  if (spikeId === undefined) return input;
  const spike = await findSpike(access.db, run.runKey, spikeId);
  if (spike === null) {
    throw new AppError('spike_not_found', `run ${run.id} has no spike ${spikeId}`);
  }
  return { attempt: spike.attempt, fromStep: spike.onsetStep, ...input };
}

/** 200 with the note as it is now; 404 note_not_found; 422. */
async function patchNote(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'ingest');
  return withBody(request, bodyOptions(deps), async (body) => {
    const patch = parseBody(patchNoteSchema, body);
    const id = params['noteId'] ?? '';
    return ok(await changeNote(deps.access.db, run.runKey, id, patch, deps.now()));
  });
}

/** 200; 404 note_not_found. */
async function deleteNote(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'ingest');
  const id = params['noteId'] ?? '';
  await removeNote(deps.access.db, run.runKey, id, deps.now());
  return ok({ id, deleted: true });
}

function tell(
  { publisher }: RouteDependencies,
  run: PermittedRun,
  note: {
    readonly fromStep: number | null;
    readonly attempt: number | null;
    readonly author: string;
  },
): void {
  if (note.fromStep === null) return;
  publisher.publishEvent({
    runId: run.id,
    kind: 'note',
    step: note.fromStep,
    attempt: note.attempt ?? run.newestAttempt,
    title: `Note by ${note.author}`,
  });
}
