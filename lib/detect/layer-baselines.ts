/**
 * Baselines of one positive metric of all layers, in decades: where each layer stood over
 * its last `span` samples and how far it scatters; `width` ≥ `span` are kept. Values lie
 * slot by slot ([width, L]), so that taking a step in is one row. Medians are worked out
 * anew every `refresh` samples, a block of layers a step; the scale, which few layers are
 * ever asked for, when it is asked for. A baseline that lags by `refresh` samples costs a
 * step 30 ns a layer; an exact one cost 200.
 */
import { selectKth } from './select-kth';

export interface LayerBaselines {
  readonly layers: number;
  readonly width: number;
  /** Newest samples that median and scale are of. */
  readonly span: number;
  /** Samples between two medians of a layer. */
  readonly refresh: number;
  /** [width, L]; NaN where a layer had no value. */
  readonly ring: Float32Array;
  /** Samples taken in so far. */
  sampleCount: number;
  /** [L] median; NaN until MIN_SAMPLES values are in. */
  readonly median: Float32Array;
  /** [L] scale in decades, and the sample count it was worked out at; 0: never. */
  readonly scale: Float32Array;
  readonly scaleAt: Uint32Array;
}

export const MIN_SAMPLES = 32;
const MAD_TO_STD = 1.4826;
/** 5 %: a layer of millions of coordinates scatters less than anyone would call a change. */
const SCALE_FLOOR = 0.02;
const SCALE_LASTS_SAMPLES = 32;

/** The widest window is 128. */
const scratch = new Float32Array(256);
const scratchBits = new Int32Array(scratch.buffer);

export function createLayerBaselines(
  layers: number,
  { width, span, refresh }: { width: number; span: number; refresh: number },
): LayerBaselines {
  return {
    layers,
    width,
    span,
    refresh,
    ring: new Float32Array(width * layers).fill(NaN),
    sampleCount: 0,
    median: new Float32Array(layers).fill(NaN),
    scale: new Float32Array(layers).fill(NaN),
    scaleAt: new Uint32Array(layers),
  };
}

/** Where the next sample goes: write one value a layer there, then `endSample`. */
export function nextRow({ ring, layers, width, sampleCount }: LayerBaselines): Float32Array {
  const start = (sampleCount % width) * layers;
  return ring.subarray(start, start + layers);
}

/** Counts the row just written and brings the layers whose turn it is up to date. */
export function endSample(baselines: LayerBaselines): void {
  const { layers, refresh, span, median } = baselines;
  const count = ++baselines.sampleCount;
  if (count < MIN_SAMPLES) return;
  // Neighbours share cache lines: a block of them is read at the price of one layer.
  const isFirst = count === MIN_SAMPLES;
  const block = isFirst ? layers : Math.ceil(layers / refresh);
  const from = isFirst ? 0 : (count % refresh) * block;
  const to = Math.min(from + block, layers);
  for (let layer = from; layer < to; layer++) {
    const valueCount = gather(baselines, layer, span);
    median[layer] = valueCount < MIN_SAMPLES ? NaN : lowerMedian(valueCount);
  }
}

/** Puts the layer's newest `span` positive values into `scratch`; returns how many there are. */
function gather(baselines: LayerBaselines, layer: number, span: number): number {
  const { ring, layers, width, sampleCount } = baselines;
  let count = 0;
  const newest = Math.min(span, sampleCount);
  let slot = (sampleCount - newest) % width;
  for (let i = 0; i < newest; i++) {
    const value = ring[slot * layers + layer] ?? NaN;
    if (value > 0) scratch[count++] = value;
    slot = slot + 1 === width ? 0 : slot + 1;
  }
  return count;
}

/** Of `scratch`. The lower middle, no mean of two, is the same in decades and in the unit. */
function lowerMedian(count: number): number {
  return selectKth(scratchBits, count, (count - 1) >>> 1);
}

/** 1.4826 MAD of the layer in decades, at least 5 %; NaN without a baseline. */
function scaleOf(baselines: LayerBaselines, layer: number): number {
  const { scale, scaleAt, sampleCount } = baselines;
  const at = scaleAt[layer] ?? 0;
  if (at > 0 && sampleCount - at < SCALE_LASTS_SAMPLES) return scale[layer] ?? NaN;
  const count = gather(baselines, layer, baselines.span);
  const centre = baselines.median[layer] ?? NaN;
  if (count === 0 || Number.isNaN(centre)) return NaN;
  for (let i = 0; i < count; i++) {
    const ratio = (scratch[i] ?? 0) / centre;
    scratch[i] = ratio < 1 ? 1 / ratio : ratio;
  }
  scale[layer] = Math.max(MAD_TO_STD * Math.log10(lowerMedian(count)), SCALE_FLOOR);
  scaleAt[layer] = sampleCount;
  return scale[layer] ?? NaN;
}

/** Distance of `value` from the layer's median in scales; NaN without a baseline. */
export function layerZ(baselines: LayerBaselines, layer: number, value: number): number {
  const distance = Math.log10(value / (baselines.median[layer] ?? NaN));
  return distance / scaleOf(baselines, layer);
}

/**
 * Median of all `width` samples kept, for what is asked once in a thousand steps.
 *
 * Empty  NaN
 */
export function longMedian(baselines: LayerBaselines, layer: number): number {
  const count = gather(baselines, layer, baselines.width);
  return count === 0 ? NaN : lowerMedian(count);
}
