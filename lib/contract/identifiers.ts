import { z } from 'zod';

/** The id of a run, chosen by the training job. */
export const runIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,128}$/, 'expected 1 to 128 characters of A-Z a-z 0-9 . _ -')
  // "." and ".." would vanish from a URL path before any server sees them.
  .refine((id) => id !== '.' && id !== '..', 'expected more than dots');

/** Metric, scalar and histogram names: snake_case by convention, anything readable by right. */
export const metricNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$/,
    'expected 1 to 128 characters of A-Z a-z 0-9 _ . : / -, the first a letter, digit or _',
  );

export const projectNameSchema = z
  .string()
  .trim()
  .min(1, 'expected a project name')
  .max(128, 'expected at most 128 characters');

/** A step: a non-negative integer that a JavaScript number holds exactly. */
export const stepSchema = z
  .int('expected a step, a whole number up to 2^53 - 1')
  .min(0, 'expected a step of 0 or more');

/** The step after one; after the last that there can be, that one again. */
export function stepAfter(step: number): number {
  return Math.min(step + 1, Number.MAX_SAFE_INTEGER);
}

/** The most distinct metrics (layer metrics, scalars and histograms apart) a run may name. */
export const MAX_METRICS_PER_RUN = 2000;
/** The most layers a run may have; the heatmap's bar is 1,000, its stress case 5,000. */
export const MAX_LAYERS_PER_RUN = 65_536;
