/** What people wrote about a run, read. */
import { notesQuerySchema } from '../../lib/contract/notes';
import { readNoteHistory, readNotes } from '../../lib/query/read-notes';
import type { Database } from '../../lib/store/database';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { type ReadHandler, type ReadRequest, parseQuery, permittedRunId } from './read-request';

export const NOTE_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/runs/:id/notes', handler: getNotes },
  { method: 'GET', path: '/api/v1/runs/:id/notes/:noteId/history', handler: getNoteHistory },
];

/** 200; 404 run_not_found; 422. */
async function getNotes(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(notesQuerySchema, request.query);
  return ok(await readNotes(db, await permittedRunId(db, request), query));
}

/** 200, of a deleted note too; 404 run_not_found, note_not_found. */
async function getNoteHistory(db: Database, request: ReadRequest): Promise<Reply> {
  const runId = await permittedRunId(db, request);
  return ok(await readNoteHistory(db, runId, request.params['noteId'] ?? ''));
}
