/** Posts that are in no block yet, put together to steps, and steps to blocks of columns. */
import { bitsOf, MISSING_FLOAT32_BITS, missingColumn } from '../../contract/missing-value';
import { transposeColumns } from '../compaction/transpose-columns';

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

/** Calls `onStep` with each step's layers once its last shard has come. */
export class StepAssembler {
  readonly #assembly: StepAssembly;
  #attempt = -1;
  #step = -1;

  constructor(
    layerCount: number,
    private readonly onStep: (attempt: number, step: number, values: Float32Array) => void,
  ) {
    this.#assembly = new StepAssembly(layerCount);
  }

  /** Shards by attempt and step, and within a step in ascending order of their first layer. */
  add(attempt: number, step: number, firstLayer: number, shard: Buffer): void {
    if (attempt !== this.#attempt || step !== this.#step) {
      this.finish();
      this.#attempt = attempt;
      this.#step = step;
    }
    this.#assembly.add(firstLayer, shard);
  }

  finish(): void {
    if (this.#step >= 0) this.onStep(this.#attempt, this.#step, this.#assembly.values);
    this.#assembly.clear();
    this.#step = -1;
  }
}

/** As many steps as a block has: a tile whose rows are whole cache lines. */
const STEPS_AT_ONCE = 64;

/** Steps of all layers in, blocks [layer][steps] out, so that whoever reduces layers has one way to do it. */
export class StepTransposer {
  readonly #steps: number[] = [];
  /** [step][layer] and [layer][step]; made for the first step, since most reads have none. */
  #columns = new Float32Array(0);
  #values = new Float32Array(0);

  constructor(
    private readonly layerCount: number,
    private readonly onBlock: (steps: readonly number[], values: Float32Array) => void,
  ) {}

  add(step: number, layers: Float32Array): void {
    if (this.#columns.length === 0) {
      this.#columns = new Float32Array(this.layerCount * STEPS_AT_ONCE);
      this.#values = new Float32Array(this.layerCount * STEPS_AT_ONCE);
    }
    this.#columns.set(layers, this.#steps.length * this.layerCount);
    this.#steps.push(step);
    if (this.#steps.length === STEPS_AT_ONCE) this.flush();
  }

  flush(): void {
    if (this.#steps.length === 0) return;
    const starts = this.#steps.map((_, index) => index * this.layerCount);
    transposeColumns(bitsOf(this.#columns), starts, this.layerCount, bitsOf(this.#values));
    this.onBlock(this.#steps, this.#values.subarray(0, this.layerCount * this.#steps.length));
    this.#steps.length = 0;
  }
}
