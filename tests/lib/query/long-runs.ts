/**
 * Random runs long enough for rollups, posted in random portions with some frames held back,
 * and what they hold, told step by step.
 */
import fc from 'fast-check';
import type { Frame } from '@/lib/contract/frame';
import { toColumn, type Cell } from '@/tests/lib/store/compaction/brute-rollup';
import { seededRandom } from '@/tests/seeded-random';
import { METRIC } from './stored-runs';

export interface LongPost {
  readonly attempt: number;
  readonly layerOffset: number;
  readonly frame: Frame;
  readonly cells: readonly Cell[];
  readonly scalars: Readonly<Record<string, number>>;
}

export interface LongRun {
  readonly layerCount: number;
  /** Resume step of each attempt, the first one's 0. */
  readonly resumeSteps: readonly number[];
  /** Each is posted at once; then the run is compacted as far as it is sealed. */
  readonly portions: readonly (readonly LongPost[])[];
}

/** What one attempt says of one step. */
export interface LongStep {
  readonly attempt: number;
  readonly step: number;
  readonly cells: Cell[];
  readonly scalars: Map<string, number>;
  hasLayers: boolean;
}

interface Draft {
  readonly seed: number;
  readonly layerCount: number;
  readonly attempts: readonly {
    readonly resume: number;
    readonly start: number;
    readonly cadence: number;
    /** Sixteen steps at a time with long breaks, evenly, or first the one and then the other. */
    readonly rhythm: 'even' | 'bursts' | 'both';
    readonly count: number;
  }[];
  readonly portions: number;
  /** One post in so many. */
  readonly rarity: {
    readonly missing: number;
    readonly nonFinite: number;
    readonly scalarOnly: number;
    readonly sharded: number;
    readonly late: number;
    readonly left: number;
  };
}

const anyDraft: fc.Arbitrary<Draft> = fc.record({
  seed: fc.integer({ min: 1, max: 0x7fff_ffff }),
  layerCount: fc.integer({ min: 1, max: 4 }),
  attempts: fc.array(
    fc.record({
      resume: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 3000 })),
      start: fc.constantFrom(0, 0, 7, 900),
      cadence: fc.constantFrom(1, 1, 3, 10, 100),
      rhythm: fc.constantFrom<'even' | 'bursts' | 'both'>('even', 'even', 'bursts', 'both'),
      count: fc.oneof(fc.nat({ max: 120 }), fc.integer({ min: 200, max: 1600 })),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  portions: fc.integer({ min: 1, max: 4 }),
  rarity: fc.record({
    missing: fc.constantFrom(3, 30, 1e9),
    nonFinite: fc.constantFrom(5, 50, 1e9),
    scalarOnly: fc.constantFrom(2, 20, 1e9),
    sharded: fc.constantFrom(2, 20, 1e9),
    late: fc.constantFrom(10, 100, 1e9),
    left: fc.constantFrom(4, 1e9),
  }),
});

/** Sixteen steps of a bucket, then none for sixteen buckets. */
function burstStep(first: number, position: number): number {
  return Math.ceil(first / 16) * 16 + Math.floor(position / 16) * 16 * 17 + (position % 16);
}

export const anyLongRun: fc.Arbitrary<LongRun> = anyDraft.map(toRun);

function toRun({ seed, layerCount, attempts, portions, rarity }: Draft): LongRun {
  const random = seededRandom(seed);
  const isOneIn = (rare: number) => random() * rare < 1;
  const anyCell = (): Cell => {
    if (isOneIn(rarity.missing)) return null;
    if (isOneIn(rarity.nonFinite)) return [NaN, Infinity, -Infinity][Math.floor(random() * 3)]!;
    // Of both signs and many magnitudes.
    return Math.fround((random() - 0.5) * 10 ** (random() * 8 - 2)) + 0;
  };
  const anyScalars = (): Record<string, number> => {
    const scalars: Record<string, number> = {};
    for (const name of ['loss', 'learning_rate', 'custom']) {
      const value = anyCell();
      if (value !== null) scalars[name] = value;
    }
    return scalars;
  };
  const inOrder: LongPost[] = [];
  const late: LongPost[] = [];
  attempts.forEach(({ resume, start, cadence, rhythm, count }, index) => {
    const attempt = index + 1;
    const first = index === 0 ? start : resume + start;
    for (let position = 0; position < count; position++) {
      if (!isOneIn(rarity.left)) {
        const even = rhythm === 'even' ? count : rhythm === 'both' ? Math.floor(count / 2) : 0;
        const step =
          position < even
            ? first + position * cadence
            : burstStep(first + even * cadence, position - even);
        for (const post of postsOf(attempt, step))
          (isOneIn(rarity.late) ? late : inOrder).push(post);
      }
    }
  });

  function postsOf(attempt: number, step: number): LongPost[] {
    const wallTime = step * 2 + attempt;
    const isScalarOnly = isOneIn(rarity.scalarOnly);
    const cut =
      layerCount > 1 && isOneIn(rarity.sharded) ? 1 + Math.floor(random() * (layerCount - 1)) : 0;
    return (cut === 0 ? [0] : [0, cut]).map((layerOffset) => {
      const end = layerOffset === 0 && cut > 0 ? cut : layerCount;
      const cells = isScalarOnly ? [] : Array.from({ length: end - layerOffset }, anyCell);
      // A second shard may say something that the first does not.
      const scalars = layerOffset === 0 ? anyScalars() : { of_second_shard: step };
      return {
        attempt,
        layerOffset,
        cells,
        scalars,
        frame: {
          step,
          wallTime,
          scalars: new Map(Object.entries(scalars)),
          layerCount: end - layerOffset,
          layerMetrics: new Map(isScalarOnly ? [] : [[METRIC, toColumn(cells)]]),
          histograms: new Map(),
          samples: null,
        },
      };
    });
  }

  // Late posts come with any later portion, or with one of their own at the end.
  const size = Math.ceil((inOrder.length + 1) / portions);
  const cut = Array.from({ length: portions }, (_, index) =>
    inOrder.slice(index * size, (index + 1) * size),
  );
  cut.push([]);
  for (const post of late) cut[1 + Math.floor(random() * portions)]!.push(post);
  return {
    layerCount,
    resumeSteps: attempts.map(({ resume }, index) => (index === 0 ? 0 : resume)),
    portions: cut,
  };
}

/** What the posts come to, by attempt and step. */
export function stepsOf(layerCount: number, posts: Iterable<LongPost>): LongStep[] {
  const steps = new Map<string, LongStep>();
  for (const { attempt, layerOffset, frame, cells, scalars } of posts) {
    const key = `${attempt}/${frame.step}`;
    const step = steps.get(key) ?? {
      attempt,
      step: frame.step,
      cells: Array.from({ length: layerCount }, () => null),
      scalars: new Map([['wall_time', frame.wallTime!]]),
      hasLayers: false,
    };
    steps.set(key, step);
    if (cells.length > 0) step.hasLayers = true;
    cells.forEach((cell, layer) => {
      step.cells[layerOffset + layer] = cell;
    });
    for (const [name, value] of Object.entries(scalars)) step.scalars.set(name, value);
  }
  return [...steps.values()].sort((a, b) => a.step - b.step || a.attempt - b.attempt);
}
