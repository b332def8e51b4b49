import type { z } from 'zod';
import type { NotesQuery, noteHistoryReplySchema, notesReplySchema } from '../contract/notes';
import type { Database } from '../store/database';
import { findNoteHistory, findNotes } from '../store/notes';
import { requireRun } from './find-run';

/** The oldest first. Throws AppError `run_not_found`. */
export async function readNotes(
  db: Database,
  runId: string,
  query: NotesQuery,
): Promise<z.infer<typeof notesReplySchema>> {
  const { runKey } = await requireRun(db, runId);
  return { items: await findNotes(db, runKey, query) };
}

/** All that a note ever said, the newest first. Throws AppError `run_not_found`, `note_not_found`. */
export async function readNoteHistory(
  db: Database,
  runId: string,
  noteId: string,
): Promise<z.infer<typeof noteHistoryReplySchema>> {
  const { runKey } = await requireRun(db, runId);
  return { items: await findNoteHistory(db, runKey, noteId) };
}
