import { borrowDipWork } from '../../lib/stats/dip-of-vertices';
import type { HistogramBatch } from '../../lib/stats/histogram-shapes';
import { writeHistogramVertices } from '../../lib/stats/histogram-vertices';

/** Distribution functions of about as many vertices, as a device takes them. */
export interface PackedVertices {
  /** Which rows of the batch they are; the rows behind them only fill up. */
  readonly rows: readonly number[];
  readonly rowCount: number;
  readonly width: number;
  /** [rowCount, width] */
  readonly x: Float32Array;
  readonly lo: Float32Array;
  readonly hi: Float32Array;
  /** [rowCount] */
  readonly last: Float32Array;
}

export interface PackedBatch {
  readonly packs: readonly PackedVertices[];
  /** Rows with a shape and too many vertices for a device. */
  readonly tooWide: readonly number[];
}

/** Pairs of vertices grow with the square: steps of 32 waste a half at most, and keep the sizes few. */
const WIDTH_STEP = 32;
/** The standard histograms have at most 420 vertices. */
const MAX_WIDTH = 512;
/** 2 MiB a tensor, of which some forty live together; indices stay exact as float32. */
const MAX_CELLS = 512 * 1024;

/**
 * The distribution functions of all histograms that have a shape, by their number of
 * vertices, in float32: positions scaled by a power of two to within ±1, heights as shares.
 * Rounding a height moves a dip by no more than that.
 *
 * Row counts are powers of two: a device keeps its buffers by size.
 */
export function packVertices(batch: HistogramBatch): PackedBatch {
  const { layerCount, edges, counts, outside } = batch;
  const binCount = edges.length - 1;
  const scale = scaleOf(edges);
  const open = new Map<number, OpenPack>();
  const packs: PackedVertices[] = [];
  const tooWide: number[] = [];
  const work = borrowDipWork(edges.length + 1);
  for (let layer = 0; layer < layerCount; layer++) {
    const vertexCount = writeHistogramVertices(work, {
      edges,
      counts: counts.subarray(layer * binCount, (layer + 1) * binCount),
      outside: outside.subarray(layer * 4, layer * 4 + 4),
    });
    if (vertexCount === 0) continue;
    const width = Math.ceil(vertexCount / WIDTH_STEP) * WIDTH_STEP;
    if (width > MAX_WIDTH) {
      tooWide.push(layer);
      continue;
    }
    const pack = open.get(width) ?? openPack(width, layerCount - layer);
    open.set(width, pack);
    writeRow(pack, layer, work, vertexCount, scale);
    if (pack.rows.length < pack.last.length) continue;
    packs.push(closePack(pack));
    open.delete(width);
  }
  for (const pack of open.values()) packs.push(closePack(pack));
  return { packs, tooWide };
}

/** 2^-k so that the largest edge is within ±1: exact but for what is then below 2^-126. */
export function scaleOf(edges: Float32Array): number {
  const largest = Math.max(Math.abs(edges[0] ?? 0), Math.abs(edges.at(-1) ?? 0));
  return largest > 0 ? 2 ** -Math.ceil(Math.log2(largest)) : 1;
}

type OpenPack = Omit<PackedVertices, 'rows' | 'rowCount'> & { readonly rows: number[] };

function openPack(width: number, rowsLeft: number): OpenPack {
  const capacity = Math.min(powerOfTwo(rowsLeft), 2 ** Math.floor(Math.log2(MAX_CELLS / width)));
  const column = () => new Float32Array(capacity * width);
  return {
    rows: [],
    width,
    x: column(),
    lo: column(),
    hi: column(),
    last: new Float32Array(capacity),
  };
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, atLeast)));
}

function writeRow(
  pack: OpenPack,
  layer: number,
  work: Readonly<Record<'x' | 'lo' | 'hi', Float64Array>>,
  vertexCount: number,
  scale: number,
): void {
  const { rows, width, x, lo, hi, last } = pack;
  const total = work.hi[vertexCount - 1] ?? 0;
  const start = rows.length * width;
  for (let i = 0; i < vertexCount; i++) {
    x[start + i] = (work.x[i] ?? 0) * scale;
    lo[start + i] = (work.lo[i] ?? 0) / total;
    hi[start + i] = (work.hi[i] ?? 0) / total;
  }
  // Behind the last vertex the function stays at 1, so that no chain of links leads there.
  for (let i = vertexCount; i < width; i++) {
    x[start + i] = 2 + i;
    lo[start + i] = 1;
    hi[start + i] = 1;
  }
  last[rows.length] = vertexCount - 1;
  rows.push(layer);
}

function closePack({ rows, width, x, lo, hi, last }: OpenPack): PackedVertices {
  const rowCount = powerOfTwo(rows.length);
  // A row without mass ends at once; its positions only have to rise.
  for (let row = rows.length; row < rowCount; row++) {
    for (let i = 0; i < width; i++) x[row * width + i] = i;
  }
  const cut = (values: Float32Array) => values.subarray(0, rowCount * width);
  return {
    rows,
    rowCount,
    width,
    x: cut(x),
    lo: cut(lo),
    hi: cut(hi),
    last: last.subarray(0, rowCount),
  };
}
