/** What people wrote about a run. A change adds a revision; what was said before is kept. */
import { AppError } from '../contract/app-error';
import type { CreateNote, Note, NotesQuery, PatchNote } from '../contract/notes';
import type { Database } from './database';
import type { Note as NoteRow } from './generated/client';
import { hashKey } from './runs/run-key';

export interface NoteRevision {
  readonly revision: number;
  readonly author: string;
  readonly markdown: string;
  readonly writtenAt: string;
}

const step = (value: bigint | null): number | null => (value === null ? null : Number(value));

function toNote(row: NoteRow): Note {
  return {
    id: row.id,
    spikeId: row.spikeId,
    layer: row.layer,
    fromStep: step(row.fromStep),
    toStep: step(row.toStep),
    attempt: row.attempt,
    markdown: row.markdown,
    author: row.author,
    editor: row.editor,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    revision: row.revision,
  };
}

/** The notes of a run, or those of a spike, of a layer or that touch a range; the oldest first. */
export async function findNotes(
  db: Database,
  runKey: string,
  { spikeId, layer, fromStep, toStep }: NotesQuery,
): Promise<Note[]> {
  const rows = await db.prisma.note.findMany({
    where: {
      runKey,
      deletedAt: null,
      ...(spikeId === undefined ? {} : { spikeId }),
      ...(layer === undefined ? {} : { layer }),
      ...(toStep === undefined ? {} : { fromStep: { lte: BigInt(toStep) } }),
      ...(fromStep === undefined
        ? {}
        : {
            OR: [
              { toStep: { gte: BigInt(fromStep) } },
              { toStep: null, fromStep: { gte: BigInt(fromStep) } },
            ],
          }),
    },
    orderBy: [{ createdAt: 'asc' }, { noteKey: 'asc' }],
  });
  return rows.map(toNote);
}

export interface NoteToSave extends CreateNote {
  readonly id: string;
}

/** Saves a note, or finds the one of this id that was saved before. */
export async function saveNote(
  db: Database,
  runKey: string,
  note: NoteToSave,
  now: Date,
): Promise<{ readonly note: Note; readonly isNew: boolean }> {
  const noteKey = hashKey(`note:${note.id}`);
  const { markdown, author } = note;
  const isNew = await db.prisma.$transaction(async (tx) => {
    const { count } = await tx.note.createMany({
      data: [
        {
          ...{ runKey, noteKey, id: note.id, markdown, author, editor: author },
          ...{ createdAt: now, updatedAt: now },
          spikeId: note.spikeId ?? null,
          layer: note.layer ?? null,
          attempt: note.attempt ?? null,
          fromStep: note.fromStep === undefined ? null : BigInt(note.fromStep),
          toStep: note.toStep === undefined ? null : BigInt(note.toStep),
        },
      ],
      skipDuplicates: true,
    });
    if (count === 0) return false;
    await tx.noteRevision.create({
      data: { runKey, noteKey, revision: 1, author, markdown, writtenAt: now },
    });
    return true;
  });
  const row = await db.prisma.note.findUniqueOrThrow({
    where: { runKey_noteKey: { runKey, noteKey } },
  });
  return { note: toNote(row), isNew };
}

/**
 * Gives a note another text; the same text again changes nothing.
 *
 * Throws  AppError `note_not_found`
 */
export async function changeNote(
  db: Database,
  runKey: string,
  id: string,
  { markdown, author }: PatchNote,
  now: Date,
): Promise<Note> {
  const noteKey = hashKey(`note:${id}`);
  return db.prisma.$transaction(async (tx) => {
    // Two writers at once: the second waits, and adds the revision after.
    await tx.$queryRaw`SELECT 1 FROM note WHERE run = ${runKey}::uuid AND note = ${noteKey}::uuid FOR UPDATE`;
    const known = await tx.note.findUnique({ where: { runKey_noteKey: { runKey, noteKey } } });
    if (known === null || known.deletedAt !== null) throw noteNotFound(id);
    if (known.markdown === markdown) return toNote(known);
    const revision = known.revision + 1;
    await tx.noteRevision.create({
      data: { runKey, noteKey, revision, author, markdown, writtenAt: now },
    });
    const row = await tx.note.update({
      where: { runKey_noteKey: { runKey, noteKey } },
      data: { markdown, editor: author, updatedAt: now, revision },
    });
    return toNote(row);
  });
}

/** Takes a note from all lists; its history stays. Throws AppError `note_not_found`. */
export async function removeNote(
  db: Database,
  runKey: string,
  id: string,
  now: Date,
): Promise<void> {
  const { count } = await db.prisma.note.updateMany({
    where: { runKey, noteKey: hashKey(`note:${id}`), deletedAt: null },
    data: { deletedAt: now },
  });
  if (count === 0) throw noteNotFound(id);
}

/** All that a note ever said, the newest first; of a deleted one too. Throws AppError `note_not_found`. */
export async function findNoteHistory(
  db: Database,
  runKey: string,
  id: string,
): Promise<NoteRevision[]> {
  const rows = await db.prisma.noteRevision.findMany({
    where: { runKey, noteKey: hashKey(`note:${id}`) },
    orderBy: { revision: 'desc' },
  });
  if (rows.length === 0) throw noteNotFound(id);
  return rows.map(({ revision, author, markdown, writtenAt }) => ({
    ...{ revision, author, markdown },
    writtenAt: writtenAt.toISOString(),
  }));
}

function noteNotFound(id: string): AppError {
  return new AppError('note_not_found', `the run has no note ${id}`);
}
