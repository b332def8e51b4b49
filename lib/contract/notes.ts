import { z } from 'zod';
import { runIdSchema, stepSchema } from './identifiers';
import { queryLayer, queryStep } from './query-numbers';

/** What a person found out, in Markdown, about a spike, a range of steps or a layer of a run. */

const MAX_NOTE_CHARACTERS = 65_536;
const markdownSchema = z
  .string()
  .max(MAX_NOTE_CHARACTERS)
  .refine((text) => text.trim().length > 0, 'expected some text');
const authorSchema = z.string().trim().min(1).max(128);

/** Body of `POST /api/v1/runs/{id}/notes`. */
export const createNoteSchema = z
  .object({
    /** Repeats of the same post are one note. */
    id: runIdSchema.optional(),
    markdown: markdownSchema,
    author: authorSchema,
    spikeId: z.string().min(1).max(128).optional(),
    layer: z.int().min(0).optional(),
    fromStep: stepSchema.optional(),
    toStep: stepSchema.optional(),
    attempt: z.int().min(1).optional(),
  })
  .refine(
    ({ spikeId, layer, fromStep }) =>
      spikeId !== undefined || layer !== undefined || fromStep !== undefined,
    { path: ['spikeId'], message: 'expected a spikeId, a layer or a fromStep' },
  )
  .refine(({ fromStep, toStep }) => toStep === undefined || (fromStep ?? Infinity) <= toStep, {
    path: ['toStep'],
    message: 'expected a toStep at or after fromStep',
  });
export type CreateNote = z.infer<typeof createNoteSchema>;

/** Body of `PATCH /api/v1/runs/{id}/notes/{noteId}`; what it said before stays in its history. */
export const patchNoteSchema = z.strictObject({ markdown: markdownSchema, author: authorSchema });
export type PatchNote = z.infer<typeof patchNoteSchema>;

/** Body of `DELETE` of a note; the text stays in its history. */
export const noteRevisionSchema = z.object({
  revision: z.int(),
  author: z.string(),
  markdown: z.string(),
  writtenAt: z.iso.datetime(),
});

export const noteSchema = z.object({
  id: z.string(),
  spikeId: z.string().nullable(),
  layer: z.int().nullable(),
  /** A note at a spike stands at its onset. null: about the layer as a whole. */
  fromStep: z.int().nullable(),
  toStep: z.int().nullable(),
  attempt: z.int().nullable(),
  markdown: z.string(),
  /** Whoever wrote it first, and last. */
  author: z.string(),
  editor: z.string(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** From 1; each change adds one. */
  revision: z.int(),
});
export type Note = z.infer<typeof noteSchema>;

export const notesQuerySchema = z.object({
  spikeId: z.string().max(128).optional(),
  layer: queryLayer.optional(),
  fromStep: queryStep.optional(),
  toStep: queryStep.optional(),
});
export type NotesQuery = z.infer<typeof notesQuerySchema>;
export const notesReplySchema = z.object({ items: z.array(noteSchema) });
export const noteHistoryReplySchema = z.object({ items: z.array(noteRevisionSchema) });
export const noteParamsSchema = z.object({ id: runIdSchema, noteId: z.string() });
export const deleteNoteReplySchema = z.object({ id: z.string(), deleted: z.literal(true) });
