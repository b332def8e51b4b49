import type { HistogramBatch } from '../../lib/stats/histogram-shapes';

/** Histograms over the same edges, as a device takes them; the rows behind them only fill up. */
export interface PackedBins {
  readonly rows: readonly number[];
  readonly rowCount: number;
  /** Finite values of each of them. */
  readonly totals: readonly number[];
  /** [rowCount, B] and, of the sums below each edge, [rowCount, B + 1]. */
  readonly counts: Float32Array;
  readonly below: Float32Array;
  /** [rowCount, 3] underflow, overflow, exact zeros. */
  readonly atoms: Float32Array;
  /** [rowCount] values in bins, all finite values, and n^(−1/5) of those in bins. */
  readonly binnedCount: Float32Array;
  readonly finiteCount: Float32Array;
  readonly fifthRoot: Float32Array;
}

export interface PackedBinBatch {
  readonly packs: readonly PackedBins[];
  /** Rows that float32 does not carry. */
  readonly hostRows: readonly number[];
  /** Rows without a value in a bin: nothing to compute, but for what lies outside. */
  readonly emptyRows: readonly number[];
}

/** Sums of counts up to here are exact as float32. */
const LARGEST_EXACT = 2 ** 24;
/** 2 MiB a tensor, of which some thirty live together. */
const MAX_CELLS = 512 * 1024;
/** Above LARGEST_EXACT a sum this close to a quartile might be rounded onto its other side. */
const NEAR_QUARTILE = 2 ** -22;

/**
 * Counts and their sums in float32: exact up to 2^24 values a row, scaled by a power of two
 * above.
 */
export function packBins(batch: HistogramBatch): PackedBinBatch {
  const { layerCount, edges, counts, outside } = batch;
  const binCount = edges.length - 1;
  const capacity = Math.max(1, 2 ** Math.floor(Math.log2(MAX_CELLS / edges.length)));
  const packs: PackedBins[] = [];
  const hostRows: number[] = [];
  const emptyRows: number[] = [];
  let open: OpenPack | null = null;
  for (let layer = 0; layer < layerCount; layer++) {
    const row = counts.subarray(layer * binCount, (layer + 1) * binCount);
    const [underflow = 0, overflow = 0, zeros = 0] = outside.subarray(layer * 4, layer * 4 + 4);
    const binnedCount = row.reduce((sum, count) => sum + count, 0);
    const finiteCount = binnedCount + underflow + overflow + zeros;
    const isExact = finiteCount <= LARGEST_EXACT;
    if (binnedCount === 0 || (!isExact && isNearQuartile(row, binnedCount))) {
      (binnedCount === 0 ? emptyRows : hostRows).push(layer);
      continue;
    }
    open ??= openPack(Math.min(capacity, powerOfTwo(layerCount - layer)), binCount);
    const scale = isExact ? 1 : 2 ** -Math.ceil(Math.log2(finiteCount / LARGEST_EXACT));
    writeRow(open, row, scale);
    const index = open.rows.push(layer) - 1;
    open.totals.push(finiteCount);
    open.atoms.set([underflow * scale, overflow * scale, zeros * scale], index * 3);
    open.binnedCount[index] = binnedCount * scale;
    open.finiteCount[index] = finiteCount * scale;
    open.fifthRoot[index] = binnedCount ** -0.2;
    if (open.rows.length < open.fifthRoot.length) continue;
    packs.push({ ...open, rowCount: open.rows.length });
    open = null;
  }
  if (open !== null) packs.push({ ...open, rowCount: open.fifthRoot.length });
  return { packs, hostRows, emptyRows };
}

type OpenPack = Omit<PackedBins, 'rows' | 'rowCount' | 'totals'> &
  Readonly<Record<'rows' | 'totals', number[]>>;

function openPack(rowCount: number, binCount: number): OpenPack {
  const below = new Float32Array(rowCount * (binCount + 1));
  // The rows that only fill up hold one value, in the last bin: nothing is divided by 0.
  for (let end = binCount; end < below.length; end += binCount + 1) below[end] = 1;
  return {
    rows: [],
    totals: [],
    counts: new Float32Array(rowCount * binCount),
    below,
    atoms: new Float32Array(rowCount * 3),
    binnedCount: new Float32Array(rowCount).fill(1),
    finiteCount: new Float32Array(rowCount).fill(1),
    fifthRoot: new Float32Array(rowCount).fill(1),
  };
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, atLeast)));
}

function writeRow({ rows, counts, below }: OpenPack, row: Uint32Array, scale: number): void {
  const [start, belowStart] = [rows.length * row.length, rows.length * (row.length + 1)];
  let sum = 0;
  row.forEach((count, bin) => {
    counts[start + bin] = count * scale;
    sum += count;
    below[belowStart + bin + 1] = sum * scale;
  });
}

function isNearQuartile(row: Uint32Array, binnedCount: number): boolean {
  let sum = 0;
  return row.some((count) => {
    sum += count;
    const share = sum / binnedCount;
    return Math.abs(share - 0.25) < NEAR_QUARTILE || Math.abs(share - 0.75) < NEAR_QUARTILE;
  });
}
