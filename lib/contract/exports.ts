import { z } from 'zod';
import { metricNameSchema } from './identifiers';
import { splitNames } from './name-list';
import { queryInteger, queryStep } from './query-numbers';
import { attemptSelectorSchema } from './reads';

/** Exports: everything that is stored of a selection, as it is stored, as a file. */

export const exportKindSchema = z.enum(['layers', 'steps', 'spikes', 'stages', 'events']);
export type ExportKind = z.infer<typeof exportKindSchema>;

export const exportFormatSchema = z.enum(['csv', 'jsonl', 'parquet']);
export type ExportFormat = z.infer<typeof exportFormatSchema>;

export const EXPORT_MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
};

/** The most columns of metrics in one export of layers: one step of the largest run is then 16 MB. */
export const MAX_EXPORT_METRICS = 64;

/**
 * What an export says of itself. Those of EXPORT_TRAILERS come after the body, and only after
 * one that is whole.
 */
export const EXPORT_HEADERS = {
  /** How many steps (of layers and steps) the body has, or rows (of all others). */
  total: 'X-Export-Total',
  /** The first and the last step that the body has; none where it is empty. */
  firstStep: 'X-Export-First-Step',
  lastStep: 'X-Export-Last-Step',
  /** Where to go on, when `maxSteps` cut it off. */
  nextStep: 'X-Export-Next-Step',
  /** Of layers and steps: which attempt the rows are of from which step on, as `1:0,2:3000`. */
  attempts: 'X-Export-Attempts',
  /** Before this step some values are kept to a thousandth; without it all are as they were posted. */
  roundedBefore: 'X-Export-Rounded-Before',
  /** Of layers: steps whose values a policy has let go, as `0-4095,8192-9215`; none where all are there. */
  gaps: 'X-Export-Gaps',
} as const;
export const EXPORT_TRAILERS = {
  /** The last step whose rows have all been sent. */
  completeStep: 'X-Export-Complete-Step',
  rows: 'X-Export-Rows',
  /** The gaps of the last moment, where a policy let more go while the body was read; not there where it did not. */
  gapsAtEnd: 'X-Export-Gaps-At-End',
} as const;

const RANGE = /^(\d{1,5})(?:-(\d{1,5}))?$/;

/** `0,4-7` */
const layerRangesSchema = z
  .string()
  .max(4096)
  .transform((text, context) =>
    text.split(',').map((part) => {
      const match = RANGE.exec(part.trim());
      const from = Number(match?.[1]);
      const to = Number(match?.[2] ?? match?.[1]);
      if (match === null || to < from) {
        context.addIssue({
          code: 'custom',
          message: `expected layers as 0,4-7, not "${part}"`,
        });
        return z.NEVER;
      }
      return { from, to };
    }),
  )
  .pipe(z.array(z.object({ from: z.int(), to: z.int() })));
export type LayerRange = z.infer<typeof layerRangesSchema>[number];

/** Of `GET /api/v1/runs/{id}/export`. */
export const exportQuerySchema = z.object({
  kind: exportKindSchema,
  format: exportFormatSchema.default('csv'),
  /** Layer metrics or scalars, one column each; without it, all that the run has. */
  metric: z.string().max(16_384).transform(splitNames).pipe(z.array(metricNameSchema)).optional(),
  /** Indices, as `0,4-7`; without it, all. */
  layers: layerRangesSchema.optional(),
  fromStep: queryStep.optional(),
  toStep: queryStep.optional(),
  /** The default is `effective` for layers and steps, `all` for the others. */
  attempt: attemptSelectorSchema.optional(),
  /** Ends the body after so many steps; the header says where to go on. Of layers and steps alone. */
  maxSteps: queryInteger.pipe(z.int().min(1)).optional(),
});
export type ExportQuery = z.infer<typeof exportQuerySchema>;
