import type { HistogramInput } from '../../../../clients/typescript/to-frame';

/** One distribution as recorded: equal bins on [lo, hi) and what lies beside them. */
export interface RecordedHistogram {
  readonly lo: number;
  readonly hi: number;
  readonly counts: readonly number[];
  readonly under: number;
  readonly over: number;
  /** Coordinates that were 0/0. */
  readonly undef: number;
}

export interface LayerHistograms {
  readonly update: RecordedHistogram | null;
  readonly ratio: RecordedHistogram | null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** null when the field is absent or no histogram of this form. */
export function parseRecordedHistogram(value: unknown): RecordedHistogram | null {
  if (!isRecord(value)) return null;
  const { lo, hi, counts, under = 0, over = 0, undef = 0 } = value;
  if (typeof lo !== 'number' || typeof hi !== 'number' || !(lo < hi)) return null;
  if (!Array.isArray(counts) || counts.length === 0 || !counts.every(isCount)) return null;
  if (!isCount(under) || !isCount(over) || !isCount(undef)) return null;
  return { lo, hi, counts, under, over, undef };
}

/**
 * The distributions of all layers of a line as one histogram of the contract.
 *
 * A 0/0 counts as an exact zero, since r is defined as 0 there. Such a coordinate has
 * m = v = 0, hence u = 0/(0+ε) = 0 exactly as well; the recording put those into the bin
 * of u that begins at 0, and the contract keeps exact zeros out of the bins. As many as r
 * has are taken out of it. (Other exact zeros of u, where m alone is 0, cannot be told
 * from small values and stay.)
 *
 * Shape  [L] in; edges [B + 1], counts [L, B], outside [L, 4]; a layer without one is zeros
 * Empty  null when no layer has one
 * Throws RangeError when two layers have different bins
 */
export function joinHistograms(
  layers: readonly LayerHistograms[],
  kind: keyof LayerHistograms,
): HistogramInput | null {
  const first = layers.map((layer) => layer[kind]).find((histogram) => histogram !== null);
  if (first === undefined) return null;
  const binCount = first.counts.length;
  const counts = new Uint32Array(layers.length * binCount);
  const outside = new Uint32Array(layers.length * 4);
  layers.forEach((layer, index) => {
    const histogram = layer[kind];
    if (histogram === null) return;
    if (
      histogram.lo !== first.lo ||
      histogram.hi !== first.hi ||
      histogram.counts.length !== binCount
    ) {
      throw new RangeError(`${kind} of layer ${index}: expected the bins of the layers before it`);
    }
    counts.set(histogram.counts, index * binCount);
    let zeros = histogram.undef;
    if (kind === 'update' && layer.ratio !== null) {
      const bin = zeroBin(histogram);
      const cell = bin === null ? null : index * binCount + bin;
      const inBin = cell === null ? 0 : (counts[cell] ?? 0);
      if (cell !== null && inBin >= layer.ratio.undef) {
        counts[cell] = inBin - layer.ratio.undef;
        zeros += layer.ratio.undef;
      }
    }
    outside.set([histogram.under, histogram.over, zeros, 0], index * 4);
  });
  return { edges: edgesOf(first), counts, outside };
}

/** The bin [0, …) or the one around 0; null when 0 lies outside. */
function zeroBin({ lo, hi, counts }: RecordedHistogram): number | null {
  if (lo > 0 || hi <= 0) return null;
  // A quotient a hair below a whole number is rounding of the edge at 0.
  return Math.min(counts.length - 1, Math.floor((-lo / (hi - lo)) * counts.length + 1e-9));
}

function edgesOf({ lo, hi, counts }: RecordedHistogram): Float32Array {
  return Float32Array.from(
    { length: counts.length + 1 },
    (_, index) => lo + ((hi - lo) * index) / counts.length,
  );
}
