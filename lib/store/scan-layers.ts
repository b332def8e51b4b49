/**
 * Streams one metric of the layers of a run. The shards of a step are merged here, so that
 * what stands above sees whole steps, wherever they are kept.
 */
import { bitsOf, MISSING_FLOAT32_BITS, missingColumn } from '../contract/missing-value';
import type { Database } from './database';
import { segmentFilter } from './segment-filter';
import type { Segment } from './trajectory';

export interface LayerScan {
  readonly runKey: string;
  readonly segment: Segment;
  readonly metricId: number;
  /** Layers [firstLayer, firstLayer + layerCount). */
  readonly firstLayer: number;
  readonly layerCount: number;
}

/** The layers of one step, filled shard by shard. */
class StepAssembly {
  readonly values: Float32Array;
  readonly #bits: Uint32Array;
  readonly #bytes: Uint8Array;
  /** Where the shards so far end; a shard that begins before it overlaps one. */
  #coveredEnd = 0;

  constructor(layerCount: number) {
    this.values = missingColumn(layerCount);
    this.#bits = bitsOf(this.values);
    this.#bytes = new Uint8Array(this.values.buffer);
  }

  clear(): void {
    this.#bits.fill(MISSING_FLOAT32_BITS);
    this.#coveredEnd = 0;
  }

  /** Shards come in ascending order of their first layer. */
  add(firstLayer: number, shard: Buffer): void {
    const end = firstLayer + shard.length / 4;
    if (firstLayer >= this.#coveredEnd) {
      this.#bytes.set(shard, firstLayer * 4);
    } else {
      // Two posts for one layer: what was reported first stands, whatever it left out is filled.
      for (let layer = firstLayer; layer < end; layer++) {
        if (this.#bits[layer] === MISSING_FLOAT32_BITS) {
          this.#bits[layer] = shard.readUInt32LE((layer - firstLayer) * 4);
        }
      }
    }
    this.#coveredEnd = Math.max(this.#coveredEnd, end);
  }
}

/**
 * Calls `onStep` for each step of the segment that has the metric, ascending, with the
 * asked layers; MISSING_FLOAT32_BITS is "not reported". The array is used again.
 */
export async function scanLayers(
  db: Database,
  { runKey, segment, metricId, firstLayer, layerCount }: LayerScan,
  onStep: (step: number, values: Float32Array) => void,
): Promise<void> {
  const assembly = new StepAssembly(layerCount);
  let current = -1;
  const lastLayer = firstLayer + layerCount;
  // substr fetches the pieces of the stored value that hold the asked layers, no others.
  await db.copyRows(
    `SELECT step, first_layer - ${firstLayer},
       substr("values", ((position - 1) * layer_count + first_layer - layer_offset) * 4 + 1, (end_layer - first_layer) * 4)
     FROM (
       SELECT step, layer_offset, layer_count, "values",
         array_position(metric_ids, ${metricId}::smallint) AS position,
         greatest(layer_offset, ${firstLayer}) AS first_layer,
         least(layer_offset + layer_count, ${lastLayer}) AS end_layer
       FROM hot_frame WHERE ${segmentFilter(runKey, segment)}
     ) AS frame
     WHERE position IS NOT NULL AND first_layer < end_layer
     ORDER BY step, layer_offset`,
    (row) => {
      const step = row.int8(0);
      if (step !== current) {
        if (current >= 0) onStep(current, assembly.values);
        assembly.clear();
        current = step;
      }
      assembly.add(row.int4(1), row.bytes(2));
    },
  );
  if (current >= 0) onStep(current, assembly.values);
}
