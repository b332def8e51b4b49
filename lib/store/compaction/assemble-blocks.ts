/** Hot rows, [metric][layer] a post, into blocks, [layer][step] a metric: pure. */
import { bitsOf, MISSING_FLOAT32_BITS } from '../../contract/missing-value';
import type { MetricBlock } from './block-rows';
import type { BlockSpan } from './choose-spans';
import type { FloatSlab } from './float-slab';
import { transposeColumns } from './transpose-columns';

export interface HotRow {
  readonly step: number;
  readonly layerOffset: number;
  readonly layerCount: number;
  readonly metricIds: readonly number[];
  /** Where its values begin in the slab. */
  readonly start: number;
}

/** What one post says of one metric. */
interface Part {
  readonly layerOffset: number;
  readonly layerCount: number;
  readonly start: number;
}

/** By metric and step: the posts in ascending order of their first layer. */
export type HotParts = ReadonlyMap<number, ReadonlyMap<number, readonly Part[]>>;

/** Orders the rows of one span by metric and step. */
export function groupParts(rows: readonly HotRow[]): HotParts {
  const byMetric = new Map<number, Map<number, Part[]>>();
  const ordered = rows.toSorted((a, b) => a.step - b.step || a.layerOffset - b.layerOffset);
  for (const { step, layerOffset, layerCount, metricIds, start } of ordered) {
    metricIds.forEach((metricId, position) => {
      let bySteps = byMetric.get(metricId);
      if (bySteps === undefined) byMetric.set(metricId, (bySteps = new Map<number, Part[]>()));
      const part = { layerOffset, layerCount, start: start + position * layerCount };
      const parts = bySteps.get(step);
      if (parts === undefined) bySteps.set(step, [part]);
      else parts.push(part);
    });
  }
  return byMetric;
}

/** Those of a metric at the steps that are wanted. */
export function partsWhere(
  parts: HotParts,
  metricId: number,
  isWanted: (step: number) => boolean,
): ReadonlyMap<number, readonly Part[]> {
  return new Map([...(parts.get(metricId) ?? [])].filter(([step]) => isWanted(step)));
}

/**
 * The block of one metric over a span, its values in `out`. A cell has the value that `existing` has of it, else
 * that of the first post that reported it.
 */
export function assembleBlock(
  metricId: number,
  { firstStep, span }: BlockSpan,
  partsOfSteps: ReadonlyMap<number, readonly Part[]>,
  slab: FloatSlab,
  layerCount: number,
  existing: MetricBlock | null,
  out: FloatSlab,
): MetricBlock {
  const known = new Map(
    Array.from(existing?.offsets ?? [], (offset, column) => [firstStep + offset, column]),
  );
  const steps = [...new Set([...known.keys(), ...partsOfSteps.keys()])].sort((a, b) => a - b);
  const starts = steps.map((step) => {
    const parts = partsOfSteps.get(step) ?? [];
    const [first] = parts;
    const column = known.get(step);
    const isAlone = parts.length === 1 && column === undefined;
    if (isAlone && first?.layerCount === layerCount) return first.start;
    const start = slab.reserve(layerCount);
    const target = slab.words.subarray(start, start + layerCount);
    if (existing === null || column === undefined) target.fill(MISSING_FLOAT32_BITS);
    else copyColumn(existing, column, target);
    for (const part of parts) fillMissing(slab.words, part, target);
    return start;
  });
  const size = steps.length * layerCount;
  const values = out.floats(out.reserve(size), size);
  transposeColumns(slab.words, starts, layerCount, bitsOf(values));
  const offsets = Uint16Array.from(steps, (step) => step - firstStep);
  return { metricId, firstStep, span, offsets, values };
}

function copyColumn({ offsets, values }: MetricBlock, column: number, target: Uint32Array): void {
  const bits = bitsOf(values);
  const n = offsets.length;
  for (let layer = 0; layer < target.length; layer++) target[layer] = bits[layer * n + column] ?? 0;
}

function fillMissing(words: Uint32Array, part: Part, target: Uint32Array): void {
  const end = Math.min(part.layerOffset + part.layerCount, target.length);
  for (let layer = part.layerOffset; layer < end; layer++) {
    if (target[layer] === MISSING_FLOAT32_BITS) {
      target[layer] = words[part.start + layer - part.layerOffset] ?? 0;
    }
  }
}
