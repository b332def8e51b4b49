/** Rounding of a run's old blocks, and what may be left of its values afterwards. */
import type pg from 'pg';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { bucketSteps, rowSteps } from '@/lib/store/compaction/block-layout';
import { roundAttempt, type RoundingUnit } from '@/lib/store/compaction/round-attempt';
import type { Database } from '@/lib/store/database';
import { bruteBuckets, type Cell, toFacts } from './brute-rollup';
import { type Post, readStored } from './stored-attempt';

const MAX_UNITS = 10_000;
/** Nine bits of mantissa. */
export const TOLERANCE = 2 ** -10;

/** Rounds until nothing is left to do at once. */
export async function roundAll(
  client: pg.Client,
  runKey: string,
  receivedBefore: Date,
  attempts: readonly number[] = [1],
): Promise<RoundingUnit[]> {
  const units: RoundingUnit[] = [];
  for (const attempt of attempts) {
    for (let hasMore = true; hasMore;) {
      const unit = await roundAttempt(client, { runKey, attempt }, { receivedBefore });
      units.push(unit);
      hasMore = unit.hasMore;
      if (units.length > MAX_UNITS) throw new Error('rounding does not come to an end');
    }
  }
  return units;
}

/** Says of the steps below `step` that they came at `receivedAt`. */
export async function receive(
  { pool }: Database,
  runKey: string,
  receivedAt: Date,
  step = Number.MAX_SAFE_INTEGER,
): Promise<void> {
  await pool.query('UPDATE step SET received_at = $2 WHERE run = $1 AND step < $3', [
    runKey,
    receivedAt,
    step,
  ]);
}

export interface RoundingState {
  readonly roundedTo: number;
  readonly roundedEnd: number;
  /** "first_step/codec" of each block of the lowest metric, "level/block/codec" of its rows. */
  readonly blocks: readonly string[];
  readonly rollups: readonly string[];
}

export async function readRounding(
  { pool }: Database,
  runKey: string,
  attempt = 1,
): Promise<RoundingState> {
  const values = [runKey, attempt];
  const state = await pool.query<{ rounded_to: string; rounded_end: string }>(
    'SELECT rounded_to, rounded_end FROM compaction_state WHERE run = $1 AND attempt = $2',
    values,
  );
  const blocks = await pool.query<{ name: string }>(
    `SELECT first_step || '/' || codec AS name FROM metric_block
     WHERE run = $1 AND attempt = $2 AND metric = 0 ORDER BY first_step`,
    values,
  );
  const rollups = await pool.query<{ name: string }>(
    `SELECT level || '/' || block || '/' || codec AS name FROM metric_rollup
     WHERE run = $1 AND attempt = $2 AND metric = 0 ORDER BY level, block`,
    values,
  );
  return {
    roundedTo: Number(state.rows[0]?.rounded_to ?? 0),
    roundedEnd: Number(state.rows[0]?.rounded_end ?? 0),
    blocks: blocks.rows.map(({ name }) => name),
    rollups: rollups.rows.map(({ name }) => name),
  };
}

const float = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]!;

/** Whether `got` may stand for `wanted` once it is rounded. */
function isRounded(got: number, wanted: number): boolean {
  if (wanted === 0 || !Number.isFinite(wanted)) return Object.is(got, wanted);
  return Math.abs(got - wanted) <= Math.abs(wanted) * TOLERANCE && got !== 0;
}

/**
 * Throws unless every posted cell is stored once: to the bit from `exactFrom` on and in
 * `isExact` steps, else within a thousandth, and every rollup row says so too.
 */
export async function expectRoundedIs(
  db: Database,
  runKey: string,
  layerCount: number,
  posts: readonly Post[],
  isExact: (step: number) => boolean,
): Promise<void> {
  for (const attempt of new Set(posts.map((post) => post.attempt))) {
    const stored = await readStored(db, runKey, attempt);
    const found = new Map(
      stored.cells.map((cell) => {
        const at = cell.lastIndexOf('/');
        return [cell.slice(0, at), Number(cell.slice(at + 1))];
      }),
    );
    if (found.size !== stored.cells.length) throw new Error('a cell is stored twice');
    const { rows } = await db.pool.query<{ metric: number; name: string }>(
      `SELECT metric, name FROM metric WHERE run = $1 AND kind = 'layer'`,
      [runKey],
    );
    const idOf = new Map(rows.map(({ metric, name }) => [name, metric]));
    const truth = new Map<number, Map<number, Cell[]>>();
    let count = 0;
    for (const { layerOffset, frame } of posts.filter((post) => post.attempt === attempt)) {
      for (const [name, values] of frame.layerMetrics) {
        const metric = idOf.get(name)!;
        const ofMetric = truth.get(metric) ?? new Map<number, Cell[]>();
        truth.set(metric, ofMetric);
        const column = ofMetric.get(frame.step) ?? new Array<Cell>(layerCount).fill(null);
        ofMetric.set(frame.step, column);
        bitsOf(values).forEach((bits, index) => {
          if (bits === MISSING_FLOAT32_BITS) return;
          const layer = layerOffset + index;
          column[layer] = values[index]!;
          count++;
          const got = found.get(`${metric}/${frame.step}/${layer}`);
          const isWell =
            got !== undefined &&
            (isExact(frame.step) || Number.isNaN(values[index])
              ? got === bits
              : isRounded(float(got), values[index]!));
          if (isWell) return;
          throw new Error(
            `metric ${metric}, step ${frame.step}, layer ${layer}: ${got === undefined ? 'nothing' : float(got)} instead of ${values[index]}`,
          );
        });
      }
    }
    if (found.size !== count) throw new Error(`${found.size} cells instead of ${count}`);
    const isDirty = (from: number, to: number): boolean =>
      stored.hot.some(({ step }) => step < stored.blocksTo && step >= from && step < to);
    for (const { metricId, level, block, rollup } of stored.rollups) {
      const firstStep = block * rowSteps(level);
      if (isDirty(firstStep, firstStep + rowSteps(level))) continue;
      const steps = truth.get(metricId)!;
      expectNearBuckets(
        toFacts(rollup, layerCount),
        bruteBuckets(steps, firstStep, bucketSteps(level), layerCount),
        (layer, slot) => {
          const from = firstStep + slot * bucketSteps(level);
          const cells = [...steps]
            .filter(([step]) => step >= from && step < from + bucketSteps(level))
            .map(([, column]) => column[layer] ?? NaN)
            .filter(Number.isFinite);
          return cells.reduce((sum, cell) => sum + Math.abs(cell), 0) / cells.length;
        },
      );
    }
  }
}

type Facts = ReturnType<typeof toFacts>;

/** The mean of numbers of both signs is as exact as their magnitudes. */
function expectNearBuckets(
  actual: Facts,
  expected: Facts,
  magnitudeOf: (layer: number, slot: number) => number,
): void {
  const plain = (facts: Facts): string =>
    JSON.stringify(
      facts.map(({ slot, reported, layers }) => [
        slot,
        reported,
        layers.map(({ finite, nonFinite }) => [finite, nonFinite]),
      ]),
    );
  if (plain(actual) !== plain(expected)) throw new Error('a row counts otherwise');
  actual.forEach(({ slot, layers }, index) => {
    layers.forEach(({ minimum, maximum, mean }, layer) => {
      const wanted = expected[index]!.layers[layer]!;
      // Of 0 and −0 either may be the least.
      const isNear = (got: number | null, exact: number | null): boolean =>
        got === null || exact === null || exact === 0 ? got === exact : isRounded(got, exact);
      const magnitude = magnitudeOf(layer, slot);
      const isMeanNear =
        mean === null || wanted.mean === null
          ? mean === wanted.mean
          : Math.abs(mean - wanted.mean) <= magnitude * (TOLERANCE + 2e-6) + 1e-44;
      if (isNear(minimum, wanted.minimum) && isNear(maximum, wanted.maximum) && isMeanNear) return;
      throw new Error(
        `slot ${slot}, layer ${layer}: ${minimum}, ${maximum}, ${mean} instead of ${wanted.minimum}, ${wanted.maximum}, ${wanted.mean}`,
      );
    });
  });
}
