import { DIP_NULL_PROBABILITIES, DIP_NULL_ROWS } from './dip-null-quantiles';

/**
 * Largest sample size that a p-value is given for. With the million coordinates of a layer
 * p is 0 or 1 for differences that nobody could see; at 10⁴ the dip is significant at
 * 0.1 % from 0.0073.
 */
const LARGEST_EFFECTIVE_COUNT = 10_000;

/** Rounding of a dip that is 1/(2n) by definition. */
const TIE_TOLERANCE = 1e-9;

/**
 * Probability that `count` uniform values have a dip of at least `dip`: the p-value of
 * "one peak", whose hardest case is the uniform distribution.
 *
 * Shape       a dip and the number of values it is of → scalar in [0, 1]. More than
 *             10⁴ values count as 10⁴
 * Empty       1 for three values or fewer: their dip is always 1/(2n)
 * NaN/Inf     NaN for a dip or count that is NaN
 * Definition  1 at the least possible dip, 1/(2n). Otherwise the simulated quantiles of √n·dip,
 *             linear in n between rows and in √n·dip between quantiles. 0 means beyond
 *             all that were simulated, 400,000 samples or more. Ties make a sample's dip larger, not its p right
 * Source      own simulation, tests/fixtures/reference/simulate-dip-null.ts; the
 *             interpolation is that of dip.test in R's diptest
 */
export function dipPValue(dip: number, count: number): number {
  if (Number.isNaN(dip) || Number.isNaN(count)) return NaN;
  const effectiveCount = Math.min(count, LARGEST_EFFECTIVE_COUNT);
  if (effectiveCount <= 3 || dip <= (1 + TIE_TOLERANCE) / (2 * effectiveCount)) return 1;

  let row = 0;
  while (row + 2 < DIP_NULL_ROWS.length && (DIP_NULL_ROWS[row + 1]?.count ?? 0) <= effectiveCount) {
    row++;
  }
  const before = DIP_NULL_ROWS[row];
  const after = DIP_NULL_ROWS[row + 1];
  if (before === undefined || after === undefined) return NaN;
  const share = (effectiveCount - before.count) / (after.count - before.count);
  const quantileAt = (i: number): number => {
    const low = before.quantiles[i] ?? 0;
    return low + share * ((after.quantiles[i] ?? 0) - low);
  };

  const scaled = Math.sqrt(effectiveCount) * dip;
  const last = DIP_NULL_PROBABILITIES.length - 1;
  if (scaled >= quantileAt(last)) return 0;
  let i = last;
  while (i > 0 && quantileAt(i) > scaled) i--;
  const low = quantileAt(i);
  if (scaled <= low) return 1 - (DIP_NULL_PROBABILITIES[i] ?? 0);
  const fraction = (scaled - low) / (quantileAt(i + 1) - low);
  const probability = DIP_NULL_PROBABILITIES[i] ?? 0;
  return 1 - probability - fraction * ((DIP_NULL_PROBABILITIES[i + 1] ?? 1) - probability);
}
