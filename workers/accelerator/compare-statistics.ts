/**
 * How far a backend may be from the reference. Counts, extremes of g and shares are the
 * reference's own, bit for bit. The rest is sums of float32: measured at most 2e-7 of the
 * value off on SwiftShader, allowed 1e-5, since a device may add 65,536 of them in any order.
 */
import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';

const RELATIVE_TOLERANCE = 1e-5;
/** Of the largest |r| or |u| of the row: the rounding of each moves their mean and spread. */
const QUOTIENT_TOLERANCE = 1e-6;
/** A cosine of 0 is the rest of large terms that cancel. */
const COSINE_TOLERANCE = 1e-5;

type Allowance = (context: { readonly expected: number; readonly row: RowExtremes }) => number;

interface RowExtremes {
  readonly ratio: number;
  readonly update: number;
}

const relative: Allowance = ({ expected }) => RELATIVE_TOLERANCE * Math.abs(expected);

/** Metrics that are not here must be equal. */
const ALLOWANCES: ReadonlyMap<string, Allowance> = new Map([
  ['gradient_norm', relative],
  ['gradient_rms', relative],
  ['rms', relative],
  ['update_abs_max', relative],
  ['update_mean', ({ row }) => QUOTIENT_TOLERANCE * row.update],
  ['update_std', (context) => relative(context) + QUOTIENT_TOLERANCE * context.row.update],
  ['ratio_std', (context) => relative(context) + QUOTIENT_TOLERANCE * context.row.ratio],
  ['gradient_cosine', () => COSINE_TOLERANCE],
]);

/** One sentence for each number that is further from the reference than allowed. */
export function compareStatistics(
  input: FrameStatisticsInput,
  expected: FrameStatistics,
  actual: FrameStatistics,
): string[] {
  return [
    ...compareNames('metrics', expected.layerMetrics, actual.layerMetrics),
    ...compareNames('histograms', expected.histograms, actual.histograms),
    ...compareMetrics(input, expected, actual),
    ...compareHistograms(expected, actual),
  ];
}

function compareNames(
  what: string,
  expected: ReadonlyMap<string, unknown>,
  actual: ReadonlyMap<string, unknown>,
): string[] {
  const [wanted, got] = [[...expected.keys()].join(' '), [...actual.keys()].join(' ')];
  return wanted === got ? [] : [`${what}: expected ${wanted}, got ${got}`];
}

function compareMetrics(
  input: FrameStatisticsInput,
  expected: FrameStatistics,
  actual: FrameStatistics,
): string[] {
  const faults: string[] = [];
  for (const [name, wanted] of expected.layerMetrics) {
    const got = actual.layerMetrics.get(name) ?? new Float32Array(0);
    const [wantedBits, gotBits] = [bitsOf(wanted), bitsOf(got)];
    // "Missing" is a NaN of certain bits; any other NaN is as good as the next.
    const isMissing = (bits: number | undefined) => bits === input.missingBits;
    wanted.forEach((value, layer) => {
      if (wantedBits[layer] === gotBits[layer]) return;
      const isNaNTwice = Number.isNaN(value) && Number.isNaN(got[layer] ?? 0);
      if (isNaNTwice && isMissing(wantedBits[layer]) === isMissing(gotBits[layer])) return;
      const row = extremesOf(input, layer);
      const allowed = ALLOWANCES.get(name)?.({ expected: value, row }) ?? 0;
      const difference = Math.abs(value - (got[layer] ?? NaN));
      if (difference <= allowed) return;
      faults.push(
        `${name} of layer ${layer}: expected ${value} ± ${allowed}, got ${got[layer] ?? 'none'}`,
      );
    });
  }
  return faults;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** Largest finite |r| and |u| of a row. */
function extremesOf(
  { sampleCount, firstMoment, secondMoment, epsilon }: FrameStatisticsInput,
  layer: number,
): RowExtremes {
  let ratio = 0;
  let update = 0;
  for (let i = layer * sampleCount; i < (layer + 1) * sampleCount; i++) {
    const m = Math.abs(firstMoment[i] ?? 0);
    const root = Math.sqrt(secondMoment[i] ?? 0);
    const [r, u] = [m / root, m / (root + (epsilon ?? 0))];
    if (Number.isFinite(r)) ratio = Math.max(ratio, r);
    if (Number.isFinite(u)) update = Math.max(update, u);
  }
  return { ratio, update };
}

function compareHistograms(expected: FrameStatistics, actual: FrameStatistics): string[] {
  const faults: string[] = [];
  for (const [name, wanted] of expected.histograms) {
    const got = actual.histograms.get(name);
    for (const column of ['edges', 'counts', 'outside'] as const) {
      const values = got?.[column] ?? [];
      const index = wanted[column].findIndex((value, i) => value !== values[i]);
      if (index < 0 && wanted[column].length === values.length) continue;
      faults.push(
        `${column}/${name}[${index}]: expected ${wanted[column][index] ?? 'none'}, got ${values[index] ?? 'none'}`,
      );
    }
  }
  return faults;
}
