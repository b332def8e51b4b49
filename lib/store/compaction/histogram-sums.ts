/** Histograms of all layers summed up over steps, kind by kind. Pure. */

/** Counts of some layers, [layer][bin] and [layer][4]. */
export interface HistogramPart {
  readonly kindId: number;
  /** As PostgreSQL writes it. */
  readonly edgesHash: string;
  readonly layerOffset: number;
  readonly layerCount: number;
  readonly binCount: number;
  readonly counts: Uint32Array | Float64Array;
  readonly outside: Uint32Array | Float64Array;
}

export interface SummedHistograms extends HistogramPart {
  /** [layer] How many steps reported. */
  readonly steps: Uint32Array | Float64Array;
}

const OUTSIDE = 4;

class KindSums {
  readonly steps: Float64Array;
  readonly counts: Float64Array;
  readonly outside: Float64Array;
  /** [layer] The step that was added last: of two shards that hold a layer the first counts. */
  readonly #lastStep: Float64Array;

  constructor(
    readonly edgesHash: string,
    readonly binCount: number,
    readonly layerCount: number,
  ) {
    this.steps = new Float64Array(layerCount);
    this.counts = new Float64Array(layerCount * binCount);
    this.outside = new Float64Array(layerCount * OUTSIDE);
    this.#lastStep = new Float64Array(layerCount).fill(-1);
  }

  addStep(step: number, part: HistogramPart): void {
    for (let row = 0; row < part.layerCount; row++) {
      const layer = part.layerOffset + row;
      if (this.#lastStep[layer] === step) continue;
      this.#lastStep[layer] = step;
      this.#addLayer(layer, row, 1, part);
    }
  }

  addSums(part: SummedHistograms): void {
    for (let row = 0; row < part.layerCount; row++) {
      const steps = part.steps[row] ?? 0;
      if (steps > 0) this.#addLayer(part.layerOffset + row, row, steps, part);
    }
  }

  #addLayer(layer: number, row: number, steps: number, part: HistogramPart): void {
    this.steps[layer] = (this.steps[layer] ?? 0) + steps;
    addInto(this.counts, layer * this.binCount, part.counts, row * this.binCount, this.binCount);
    addInto(this.outside, layer * OUTSIDE, part.outside, row * OUTSIDE, OUTSIDE);
  }
}

function addInto(
  sums: Float64Array,
  sumStart: number,
  counts: Uint32Array | Float64Array,
  start: number,
  length: number,
): void {
  for (let index = 0; index < length; index++) {
    sums[sumStart + index] = (sums[sumStart + index] ?? 0) + (counts[start + index] ?? 0);
  }
}

export class HistogramSums {
  readonly #kinds = new Map<number, KindSums>();
  #hasDifferentEdges = false;

  constructor(private readonly layerCount: number) {}

  /** Shards by step, and within a step in ascending order of their first layer. */
  addStep(step: number, part: HistogramPart): void {
    this.#kindOf(part)?.addStep(step, part);
  }

  addSums(part: SummedHistograms): void {
    this.#kindOf(part)?.addSums(part);
  }

  /** Null where a kind has different edges: its counts do not add up. */
  finish(): SummedHistograms[] | null {
    if (this.#hasDifferentEdges) return null;
    const summed: SummedHistograms[] = [];
    for (const [kindId, kind] of this.#kinds) {
      const first = kind.steps.findIndex((count) => count > 0);
      const end = kind.steps.findLastIndex((count) => count > 0) + 1;
      if (first < 0) continue;
      summed.push({
        kindId,
        edgesHash: kind.edgesHash,
        layerOffset: first,
        layerCount: end - first,
        binCount: kind.binCount,
        steps: kind.steps.slice(first, end),
        counts: kind.counts.slice(first * kind.binCount, end * kind.binCount),
        outside: kind.outside.slice(first * OUTSIDE, end * OUTSIDE),
      });
    }
    return summed;
  }

  /** Null for edges other than the kind's. */
  #kindOf({ kindId, edgesHash, binCount }: HistogramPart): KindSums | null {
    const known = this.#kinds.get(kindId);
    if (known === undefined) {
      const created = new KindSums(edgesHash, binCount, this.layerCount);
      this.#kinds.set(kindId, created);
      return created;
    }
    if (known.edgesHash === edgesHash) return known;
    this.#hasDifferentEdges = true;
    return null;
  }
}
