/**
 * Layers × buckets, reduced as steps stream by. Accumulated bucket by bucket, since a step
 * touches one bucket of all layers; handed out layer by layer, which is how it is drawn.
 */
import type { Reduce } from '../contract/reads';
import { bitsOf, MISSING_FLOAT32_BITS } from '../contract/missing-value';

/** Edge of the square blocks in which the result is transposed: 64 × 64 floats stay in the first cache. */
const BLOCK = 64;

export class LayerColumns {
  /** [bucket][layer]; NaN while there is no finite value. For a mean, the sum. */
  readonly #values: Float32Array | Float64Array;
  readonly #nonFinite: Uint32Array;
  readonly #finiteCount: Uint32Array | null;

  constructor(
    private readonly layerCount: number,
    bucketCount: number,
    private readonly reduce: Reduce,
  ) {
    const cells = layerCount * bucketCount;
    // A float32 sum of many steps would drift; extremes are exact as they are.
    this.#values = (reduce === 'mean' ? new Float64Array(cells) : new Float32Array(cells)).fill(
      NaN,
    );
    this.#nonFinite = new Uint32Array(cells);
    this.#finiteCount = reduce === 'mean' ? new Uint32Array(cells) : null;
  }

  /** Adds one step's layers to a bucket. */
  add(bucket: number, layers: Float32Array): void {
    const bits = bitsOf(layers);
    const base = bucket * this.layerCount;
    const values = this.#values;
    const { reduce } = this;
    for (let layer = 0; layer < this.layerCount; layer++) {
      const value = layers[layer] ?? NaN;
      const cell = base + layer;
      if (!Number.isFinite(value)) {
        if (bits[layer] !== MISSING_FLOAT32_BITS) {
          this.#nonFinite[cell] = (this.#nonFinite[cell] ?? 0) + 1;
        }
        continue;
      }
      const known = values[cell] ?? NaN;
      // Comparisons with NaN are false, so the first value always replaces it.
      if (reduce === 'max') {
        if (!(known >= value)) values[cell] = value;
      } else if (reduce === 'min') {
        if (!(known <= value)) values[cell] = value;
      } else {
        values[cell] = Number.isNaN(known) ? value : known + value;
        if (this.#finiteCount !== null) {
          this.#finiteCount[cell] = (this.#finiteCount[cell] ?? 0) + 1;
        }
      }
    }
  }

  /** Adds one value of one layer to buckets `fromBucket`…`toBucket`; for extremes alone. */
  addRange(layer: number, fromBucket: number, toBucket: number, value: number): void {
    const values = this.#values;
    for (let bucket = fromBucket; bucket <= toBucket; bucket++) {
      const cell = bucket * this.layerCount + layer;
      const known = values[cell] ?? NaN;
      const stands = this.reduce === 'min' ? known <= value : known >= value;
      if (!stands) values[cell] = value;
    }
  }

  /** [layerCount][buckets.length] of the named buckets, in their order. */
  toLayerMajor(buckets: readonly number[]): {
    readonly values: Float32Array<ArrayBuffer>;
    readonly nonFinite: Uint32Array<ArrayBuffer>;
  } {
    const columnCount = buckets.length;
    const values = new Float32Array(this.layerCount * columnCount);
    const nonFinite = new Uint32Array(this.layerCount * columnCount);
    for (let firstColumn = 0; firstColumn < columnCount; firstColumn += BLOCK) {
      const endColumn = Math.min(firstColumn + BLOCK, columnCount);
      for (let firstLayer = 0; firstLayer < this.layerCount; firstLayer += BLOCK) {
        const endLayer = Math.min(firstLayer + BLOCK, this.layerCount);
        for (let column = firstColumn; column < endColumn; column++) {
          const base = (buckets[column] ?? 0) * this.layerCount;
          for (let layer = firstLayer; layer < endLayer; layer++) {
            const target = layer * columnCount + column;
            values[target] = this.#value(base + layer);
            nonFinite[target] = this.#nonFinite[base + layer] ?? 0;
          }
        }
      }
    }
    return { values, nonFinite };
  }

  #value(cell: number): number {
    const value = this.#values[cell] ?? NaN;
    return this.#finiteCount === null ? value : value / (this.#finiteCount[cell] ?? 1);
  }
}
