/** What a rollup row must say, told value by value over everything in its range. */
import fc from 'fast-check';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import type { MetricRollup } from '@/lib/store/compaction/metric-rollup';
import type { ScalarRollup } from '@/lib/store/compaction/scalar-rollup';

/** null: not reported. */
export type Cell = number | null;
export type StepCells = ReadonlyMap<number, readonly Cell[]>;

export const anyCell: fc.Arbitrary<Cell> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .float({ min: Math.fround(-1e6), max: Math.fround(1e6), noNaN: true })
      .map((value) => value + 0),
  },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) },
  { weight: 1, arbitrary: fc.constant(null) },
);

export function toColumn(cells: readonly Cell[]): Float32Array<ArrayBuffer> {
  const values = Float32Array.from(cells, (cell) => cell ?? 0);
  const bits = bitsOf(values);
  cells.forEach((cell, layer) => {
    if (cell === null) bits[layer] = MISSING_FLOAT32_BITS;
  });
  return values;
}

export interface BucketFacts {
  readonly slot: number;
  readonly reported: number;
  /** One a layer; null where nothing is finite. */
  readonly layers: readonly {
    readonly minimum: number | null;
    readonly maximum: number | null;
    readonly mean: number | null;
    readonly finite: number;
    readonly nonFinite: number;
  }[];
}

/** The buckets of the row that begins at `firstStep`, from every step's cells. */
export function bruteBuckets(
  steps: StepCells,
  firstStep: number,
  bucketSteps: number,
  layerCount: number,
): BucketFacts[] {
  const facts: BucketFacts[] = [];
  for (let slot = 0; slot < 64; slot++) {
    const from = firstStep + slot * bucketSteps;
    const columns = [...steps].filter(([step]) => step >= from && step < from + bucketSteps);
    if (columns.length === 0) continue;
    facts.push({
      slot,
      reported: columns.length,
      layers: Array.from({ length: layerCount }, (_, layer) =>
        factsOf(columns.map(([, cells]) => cells[layer] ?? null)),
      ),
    });
  }
  return facts;
}

function factsOf(cells: readonly Cell[]) {
  const reported = cells.filter((cell) => cell !== null);
  const finite = reported.filter((cell) => Number.isFinite(cell));
  const isEmpty = finite.length === 0;
  return {
    minimum: isEmpty ? null : Math.min(...finite),
    maximum: isEmpty ? null : Math.max(...finite),
    mean: isEmpty ? null : finite.reduce((sum, cell) => sum + cell, 0) / finite.length,
    finite: finite.length,
    nonFinite: reported.length - finite.length,
  };
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** A row as facts; throws where its arrays do not fit together. */
export function toFacts(rollup: MetricRollup, layerCount: number): BucketFacts[] {
  const n = rollup.slots.length;
  for (const plane of [rollup.minimum, rollup.maximum, rollup.mean]) {
    if (plane.length !== layerCount * n) throw new Error('a plane is not [layer][bucket]');
  }
  return Array.from(rollup.slots, (slot, index) => ({
    slot,
    reported: rollup.reported[index]!,
    layers: Array.from({ length: layerCount }, (_, layer) => {
      const at = layer * n + index;
      return {
        minimum: orNull(rollup.minimum[at]!),
        maximum: orNull(rollup.maximum[at]!),
        mean: orNull(rollup.mean[at]!),
        finite: rollup.exceptions === null ? rollup.reported[index]! : rollup.exceptions[at]!,
        nonFinite: rollup.exceptions === null ? 0 : rollup.exceptions[layerCount * n + at]!,
      };
    }),
  }));
}

export interface ScalarFacts {
  readonly slot: number;
  readonly firstStep: number;
  readonly lastStep: number;
  /** By the scalar's number; one without a value is left out. */
  readonly scalars: Readonly<Record<number, ReturnType<typeof factsOf> & { last: number }>>;
}

export type StepScalars = ReadonlyMap<number, ReadonlyMap<number, number>>;

export function bruteScalars(
  steps: StepScalars,
  firstStep: number,
  bucketSteps: number,
): ScalarFacts[] {
  const facts: ScalarFacts[] = [];
  for (let slot = 0; slot < 64; slot++) {
    const from = firstStep + slot * bucketSteps;
    const inside = [...steps]
      .filter(([step]) => step >= from && step < from + bucketSteps)
      .sort(([a], [b]) => a - b);
    if (inside.length === 0) continue;
    const ids = new Set(inside.flatMap(([, values]) => [...values.keys()]));
    facts.push({
      slot,
      firstStep: inside[0]![0],
      lastStep: inside.at(-1)![0],
      scalars: Object.fromEntries(
        [...ids].map((id) => {
          const values = inside.flatMap(([, ofStep]) => ofStep.get(id) ?? []);
          return [id, { ...factsOf(values), last: values.at(-1)! }];
        }),
      ),
    });
  }
  return facts;
}

export function toScalarFacts(rollup: ScalarRollup): ScalarFacts[] {
  const n = rollup.slots.length;
  return Array.from(rollup.slots, (slot, index) => ({
    slot,
    firstStep: rollup.firstSteps[index]!,
    lastStep: rollup.lastSteps[index]!,
    scalars: Object.fromEntries(
      rollup.scalarIds.flatMap((id, scalar) => {
        const at = scalar * n + index;
        const finite = rollup.finite[at]!;
        const nonFinite = rollup.nonFinite[at]!;
        if (finite + nonFinite === 0) return [];
        return [
          [
            id,
            {
              minimum: orNull(rollup.minimum[at]!),
              maximum: orNull(rollup.maximum[at]!),
              mean: orNull(rollup.mean[at]!),
              finite,
              nonFinite,
              last: rollup.last[at]!,
            },
          ],
        ];
      }),
    ),
  }));
}

/** The same facts, means aside; means within what float32 loses at each level. */
export function expectSameBuckets(
  actual: readonly BucketFacts[],
  expected: readonly BucketFacts[],
): void {
  const plain = (facts: readonly BucketFacts[]) =>
    facts.map((bucket) => ({
      ...bucket,
      layers: bucket.layers.map((layer) => ({ ...layer, mean: null })),
    }));
  if (JSON.stringify(plain(actual)) !== JSON.stringify(plain(expected))) {
    throw new Error(
      `expected ${JSON.stringify(plain(expected))}, got ${JSON.stringify(plain(actual))}`,
    );
  }
  actual.forEach((bucket, index) => {
    bucket.layers.forEach(({ mean, minimum, maximum }, layer) => {
      const wanted = expected[index]!.layers[layer]!.mean;
      // A mean near 0 of large values keeps their rounding; the smallest floats have no half.
      const scale = Math.max(Math.abs(minimum ?? 0), Math.abs(maximum ?? 0));
      const isNear =
        mean === null || wanted === null
          ? mean === wanted
          : Math.abs(mean - wanted) <= 1e-6 * scale + 1e-44;
      if (!isNear)
        throw new Error(`slot ${bucket.slot}, layer ${layer}: mean ${mean}, not ${wanted}`);
    });
  });
}

export function expectSameScalars(
  actual: readonly ScalarFacts[],
  expected: readonly ScalarFacts[],
): void {
  const asBuckets = (facts: readonly ScalarFacts[], ids: readonly number[]): BucketFacts[] =>
    facts.map(({ slot, scalars }) => ({
      slot,
      reported: 0,
      layers: ids.map((id) => ({ ...factsOf([]), ...scalars[id], last: undefined })),
    }));
  const ends = (facts: readonly ScalarFacts[]) =>
    JSON.stringify(
      facts.map(({ slot, firstStep, lastStep, scalars }) => [
        slot,
        firstStep,
        lastStep,
        Object.entries(scalars).map(([id, { last }]) => [id, String(last)]),
      ]),
    );
  if (ends(actual) !== ends(expected)) {
    throw new Error(`expected ${ends(expected)}, got ${ends(actual)}`);
  }
  const ids = [...new Set(expected.flatMap(({ scalars }) => Object.keys(scalars).map(Number)))];
  expectSameBuckets(asBuckets(actual, ids), asBuckets(expected, ids));
}
