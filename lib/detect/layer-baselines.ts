/**
 * Baselines of one positive metric of all layers, in decades: where each layer stood over
 * its last `span` samples and how far it scatters; `width` ≥ `span` are kept. Values lie slot by slot ([width, L]),
 * so that taking a step in is one row; median and scale are worked out anew every
 * REFRESH_SAMPLES samples, a sixteenth of the layers a step. A baseline that lags by up to
 * 16 samples is what a step costs 40 ns a layer for; an exact one cost 200.
 */
import { selectKth } from './select-kth';

export interface LayerBaselines {
  readonly layers: number;
  readonly width: number;
  /** Newest samples that median and scale are of. */
  readonly span: number;
  /** [width, L]; NaN where a layer had no value. */
  readonly ring: Float32Array;
  /** Samples taken in so far. */
  sampleCount: number;
  /** [L] median; NaN until MIN_SAMPLES values are in. */
  readonly median: Float32Array;
  /** [L] scale in decades; NaN with the median. */
  readonly scale: Float32Array;
}

const REFRESH_SAMPLES = 16;
export const MIN_SAMPLES = 32;
const MAD_TO_STD = 1.4826;
/** 5 %: a layer of millions of coordinates scatters less than anyone would call a change. */
const SCALE_FLOOR = 0.02;

/** The widest window is 128. */
const scratch = new Float32Array(256);

export function createLayerBaselines(
  layers: number,
  { width, span }: { width: number; span: number },
): LayerBaselines {
  return {
    layers,
    width,
    span,
    ring: new Float32Array(width * layers).fill(NaN),
    sampleCount: 0,
    median: new Float32Array(layers).fill(NaN),
    scale: new Float32Array(layers).fill(NaN),
  };
}

/** Where the next sample goes: write one value a layer there, then `endSample`. */
export function nextRow({ ring, layers, width, sampleCount }: LayerBaselines): Float32Array {
  const start = (sampleCount % width) * layers;
  return ring.subarray(start, start + layers);
}

/** Counts the row just written and brings the layers whose turn it is up to date. */
export function endSample(baselines: LayerBaselines): void {
  const count = ++baselines.sampleCount;
  if (count < MIN_SAMPLES) return;
  const isFirst = count === MIN_SAMPLES;
  const from = isFirst ? 0 : count % REFRESH_SAMPLES;
  for (let layer = from; layer < baselines.layers; layer += isFirst ? 1 : REFRESH_SAMPLES) {
    refresh(baselines, layer);
  }
}

/** Puts the layer's newest `span` values into `scratch`; returns how many there are. */
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

function refresh(baselines: LayerBaselines, layer: number): void {
  const { median, scale, span } = baselines;
  const count = gather(baselines, layer, span);
  if (count < MIN_SAMPLES) {
    median[layer] = NaN;
    scale[layer] = NaN;
    return;
  }
  // The lower middle: no mean of two, so that it is the same in decades and in the unit.
  const middle = (count - 1) >>> 1;
  const centre = selectKth(scratch, count, middle);
  for (let i = 0; i < count; i++) {
    const ratio = (scratch[i] ?? 0) / centre;
    scratch[i] = ratio < 1 ? 1 / ratio : ratio;
  }
  median[layer] = centre;
  scale[layer] = Math.max(MAD_TO_STD * Math.log10(selectKth(scratch, count, middle)), SCALE_FLOOR);
}

/** Distance of `value` from the layer's median in scales; NaN without a baseline. */
export function layerZ({ median, scale }: LayerBaselines, layer: number, value: number): number {
  return Math.log10(value / (median[layer] ?? NaN)) / (scale[layer] ?? NaN);
}

/**
 * Median of all `width` samples kept, for what is asked once in a thousand steps.
 *
 * Empty  NaN
 */
export function longMedian(baselines: LayerBaselines, layer: number): number {
  const count = gather(baselines, layer, baselines.width);
  return count === 0 ? NaN : selectKth(scratch, count, (count - 1) >>> 1);
}
