/**
 * How the fields of recorded files are called on the wire. A field that is not here and
 * not already a standard name becomes a custom metric under its own name.
 */
import { isStandardMetric } from '../../../../lib/contract/standard-metrics';

/** Fields of a line (and columns of a CSV) beside `layers`. */
const SCALAR_OF_FIELD = new Map([
  ['loss', 'loss'],
  ['lr', 'learning_rate'],
  ['learning_rate', 'learning_rate'],
  ['grad_norm', 'gradient_norm'],
  ['gradient_norm', 'gradient_norm'],
  // Custom, but known: the batch that the step read, and how many tokens it held.
  ['data_index', 'data_index'],
  ['tokens', 'tokens'],
]);

/** Fields that say which step, and when, instead of measuring something. */
const STRUCTURAL_FIELDS: ReadonlySet<string> = new Set([
  'run',
  'attempt',
  'step',
  'wall_time',
  'layers',
]);

/** Fields of one layer. */
const METRIC_OF_FIELD = new Map([
  ['grad_norm', 'gradient_norm'],
  ['grad_rms', 'gradient_rms'],
  ['grad_absmax', 'gradient_abs_max'],
  ['grad_nonfinite', 'gradient_nonfinite_count'],
  ['weight_norm', 'weight_norm'],
  ['u_mean', 'update_mean'],
  ['u_std', 'update_std'],
  ['u_absmax', 'update_abs_max'],
  ['r_std', 'ratio_std'],
  ['frac_g_lt_eps', 'gradient_below_epsilon_fraction'],
  ['frac_u_lt_0p01', 'update_small_fraction'],
  ['rms_t', 'rms'],
  ['cos_lag1', 'gradient_cosine'],
]);

const STRUCTURAL_LAYER_FIELDS: ReadonlySet<string> = new Set(['name', 'n', 'u_hist', 'r_hist']);

export type FieldMeaning =
  | { readonly kind: 'structural' }
  | { readonly kind: 'known'; readonly name: string }
  | { readonly kind: 'custom'; readonly name: string };

export function meaningOfField(field: string): FieldMeaning {
  if (STRUCTURAL_FIELDS.has(field)) return { kind: 'structural' };
  const name = SCALAR_OF_FIELD.get(field);
  return name === undefined ? { kind: 'custom', name: field } : { kind: 'known', name };
}

export function meaningOfLayerField(field: string): FieldMeaning {
  if (STRUCTURAL_LAYER_FIELDS.has(field)) return { kind: 'structural' };
  const name = METRIC_OF_FIELD.get(field) ?? (isStandardMetric(field) ? field : undefined);
  return name === undefined ? { kind: 'custom', name: field } : { kind: 'known', name };
}

/** A number, or one of the texts that stand for what JSON cannot say; null: none of them. */
export function parseRecordedNumber(value: unknown): number | null {
  if (typeof value === 'number') return value;
  switch (value) {
    case 'NaN':
    case 'nan':
      return NaN;
    case 'Infinity':
    case 'inf':
      return Infinity;
    case '-Infinity':
    case '-inf':
      return -Infinity;
    default:
      return null;
  }
}
