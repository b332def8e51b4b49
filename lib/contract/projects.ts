import { z } from 'zod';
import { projectNameSchema } from './identifiers';
import { retentionAmountsSchema } from './retention';

/** The path parameter `{name}`. */
export const projectParamsSchema = z.object({ name: projectNameSchema });

/** Of `DELETE /api/v1/projects/{name}`. */
export const deleteProjectQuerySchema = z.object({
  /** The project's name again: whoever deletes a project has to say which. */
  confirm: z.string(),
});
export const deleteProjectReplySchema = z.object({
  name: z.string(),
  deleted: z.literal(true),
  /** How many runs went with it. */
  runCount: z.int(),
});
export type DeleteProjectReply = z.infer<typeof deleteProjectReplySchema>;

/** Of `GET /api/v1/runs/{id}/size`. */
export const runSizeReplySchema = z.object({
  id: z.string(),
  sizeBytes: z.int(),
  /** Values of layers and scalars that are stored; rollups repeat some and count as bytes alone. */
  datapoints: z.int(),
  /** null before the first. */
  bytesPerDatapoint: z.number().nullable(),
  /** The largest first. */
  tables: z.array(z.object({ name: z.string(), rows: z.int(), sizeBytes: z.int() })),
  /** Of the values of layers and of their rollups. */
  precision: z.object({
    exactBytes: z.int(),
    /** Kept to a thousandth, as the project's `roundAfterDays` says. */
    roundedBytes: z.int(),
    /** From this step on nothing was ever rounded; null where nothing is. */
    roundedBefore: z.int().nullable(),
  }),
  /** What the project's policy lets go of it as of now; null where that keeps everything. */
  retention: retentionAmountsSchema.extend({ freedBytes: z.int() }).nullable(),
});
export type RunSizeReply = z.infer<typeof runSizeReplySchema>;
