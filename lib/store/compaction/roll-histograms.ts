/**
 * Brings the sums of histograms up to the blocks of an attempt, level after level.
 *
 * A bucket is summed up from the highest rows below that are kept, and from its steps where
 * there are none. It is kept where it sums up at least four of these, and its steps have one
 * set of edges a kind; else a read goes on to what lies below.
 */
import type { ClientBase } from 'pg';
import { findGaps, HISTOGRAMS_GAP } from '../reading/raw-gaps';
import { alignDown, alignUp, BLOCK_STEPS, bucketSteps, MAX_LEVEL } from './block-layout';
import type { AttemptFacts, AttemptId } from './compaction-state';
import {
  addStepHistograms,
  addStoredSums,
  type BucketPlace,
  deleteSums,
  insertSums,
} from './histogram-rows';
import { HistogramSums } from './histogram-sums';
import { END_OF_STEPS } from './hot-cells';
import { overlaps, uncoveredOf, type Interval } from './intervals';
import type { ChangedSpan } from './roll-levels';
import type { MovedPost } from './write-blocks';

/** With fewer a read is as well off with what lies below. */
const MIN_INPUTS = 4;
/**
 * Four buckets of three inputs each, none of them kept, or sixteen steps. What has more has a
 * bucket below whose steps do not add up, and does not either.
 */
const MAX_INPUTS = 16;
/** Of 1,000 layers a step has some 100 KB: what is caught up with takes many units. */
const STRETCH_STEPS = 256;
const MAX_STRETCHES = 16;
const MAX_UNIT_BYTES = 16 * 1024 * 1024;

export interface RolledHistograms {
  /** Below the blocks' end where there is more to do. */
  readonly rolledTo: number;
  readonly rowCount: number;
}

/** Rewrites the buckets of spans that changed and writes those that `blocksTo` has sealed, some at a time. */
export async function rollHistograms(
  client: ClientBase,
  id: AttemptId,
  { histogramsTo, layerCount }: AttemptFacts,
  blocksTo: number,
  changed: readonly ChangedSpan[],
): Promise<RolledHistograms> {
  const roller = new HistogramRoller(client, id, layerCount);
  let rowCount = 0;
  for (const { from, to, posts } of changed) {
    if (from < histogramsTo) {
      rowCount += await roller.rewrite(
        { from, to: Math.min(to, histogramsTo) },
        histogramsTo,
        posts,
      );
    }
  }
  let rolledTo = histogramsTo;
  for (let stretch = 0; stretch < MAX_STRETCHES && rolledTo < blocksTo; stretch++) {
    if (roller.sizeBytes > MAX_UNIT_BYTES) break;
    const next = await roller.findNext(0, { from: rolledTo, to: blocksTo });
    const end = next === null ? blocksTo : alignDown(next, BLOCK_STEPS) + STRETCH_STEPS;
    const range = { from: rolledTo, to: Math.min(blocksTo, end) };
    rowCount += await roller.advance(range);
    rolledTo = range.to;
  }
  return { rolledTo, rowCount };
}

function intervalOf({ level, bucket }: BucketPlace): Interval {
  const steps = bucketSteps(level);
  return { from: bucket * steps, to: (bucket + 1) * steps };
}

class HistogramRoller {
  /** Of the histograms of single steps that were read. */
  sizeBytes = 0;

  constructor(
    private readonly client: ClientBase,
    private readonly id: AttemptId,
    private readonly layerCount: number,
  ) {}

  /** Buckets that end in (from, to]. */
  async advance({ from, to }: Interval): Promise<number> {
    let rows = 0;
    for (let level = 0; level <= MAX_LEVEL && bucketSteps(level) <= to; level++) {
      const steps = bucketSteps(level);
      const end = alignDown(to, steps);
      let next = await this.findNext(level, { from: alignDown(from, steps), to: end });
      while (next !== null) {
        const place = { level, bucket: Math.floor(next / steps) };
        rows += await this.#roll(place);
        next = await this.findNext(level, { from: intervalOf(place).to, to: end });
      }
    }
    return rows;
  }

  /** Every bucket that meets the span and ends below `rolledTo`. */
  async rewrite(span: Interval, rolledTo: number, posts: readonly MovedPost[]): Promise<number> {
    const gaps = await findGaps(this.client, this.id, [HISTOGRAMS_GAP], {
      from: 0,
      to: END_OF_STEPS,
    });
    let rows = 0;
    for (let level = 0; level <= MAX_LEVEL && bucketSteps(level) <= rolledTo; level++) {
      const steps = bucketSteps(level);
      const to = Math.min(alignUp(span.to, steps), alignDown(rolledTo, steps));
      let next = await this.findNext(level, { from: alignDown(span.from, steps), to });
      while (next !== null) {
        const place = { level, bucket: Math.floor(next / steps) };
        const whole = intervalOf(place);
        const hasGap = gaps.get(HISTOGRAMS_GAP)?.some((gap) => overlaps(gap, whole)) ?? false;
        if (hasGap) await this.#add(place, posts);
        else {
          await deleteSums(this.client, this.id, place);
          rows += await this.#roll(place);
        }
        next = await this.findNext(level, { from: whole.to, to });
      }
    }
    return rows;
  }

  /** The lowest step of the range that has a histogram or begins a bucket of a level below. */
  async findNext(level: number, { from, to }: Interval): Promise<number | null> {
    if (from >= to) return null;
    const { rows } = await this.client.query<{ step: string | null }>({
      name: 'compaction_next_histogram',
      text: `SELECT least(
          (SELECT step FROM histogram_frame WHERE run = $1 AND attempt = $2 AND step >= $3 AND step < $4
           ORDER BY step LIMIT 1),
          (SELECT min(first.bucket * (16::bigint << (2 * below.level)))
           FROM generate_series(0, $5::int - 1) AS below (level) CROSS JOIN LATERAL (
             SELECT bucket FROM histogram_rollup AS summed WHERE run = $1 AND attempt = $2
               AND summed.level = below.level AND bucket >= $3 / (16::bigint << (2 * below.level))
               AND bucket < $4 / (16::bigint << (2 * below.level))
             ORDER BY bucket LIMIT 1) AS first)) AS step`,
      values: [this.id.runKey, this.id.attempt, from, to, level],
    });
    const step = rows[0]?.step ?? null;
    return step === null ? null : Number(step);
  }

  /** Writes the rows of a bucket that has none if they pay. */
  async #roll(place: BucketPlace): Promise<number> {
    const { client, id } = this;
    const { places, steps } = await this.#findInputs(place);
    const inputs = places.length + steps.length;
    if (inputs < MIN_INPUTS || inputs > MAX_INPUTS) return 0;
    const sums = new HistogramSums(this.layerCount);
    await addStoredSums(client, id, places, sums);
    this.sizeBytes += await addStepHistograms(client, id, { steps }, sums);
    const summed = sums.finish();
    if (summed === null || summed.length === 0) return 0;
    await insertSums(client, id, place, summed);
    return summed.length;
  }

  /**
   * Of a bucket the steps of which retention has let go, in part at least: what came late is
   * added to the sums, if there are any. Other edges than theirs cannot be.
   */
  async #add(place: BucketPlace, posts: readonly MovedPost[]): Promise<void> {
    const { client, id } = this;
    const { from, to } = intervalOf(place);
    const late = posts.filter(({ step }) => step >= from && step < to);
    if (late.length === 0 || !(await this.#hasRow(place))) return;
    const sums = new HistogramSums(this.layerCount);
    const steps = [...new Set(late.map(({ step }) => step))];
    await addStoredSums(client, id, [place], sums);
    await addStepHistograms(client, id, { steps, posts: late }, sums);
    const summed = sums.finish();
    if (summed === null) return;
    await deleteSums(client, id, place);
    await insertSums(client, id, place, summed);
  }

  async #hasRow({ level, bucket }: BucketPlace): Promise<boolean> {
    const { rowCount } = await this.client.query(
      `SELECT 1 FROM histogram_rollup WHERE run = $1 AND attempt = $2 AND level = $3 AND bucket = $4 LIMIT 1`,
      [this.id.runKey, this.id.attempt, level, bucket],
    );
    return (rowCount ?? 0) > 0;
  }

  /** The highest buckets below a place, and the steps that are in none; not all where these are too many. */
  async #findInputs(place: BucketPlace): Promise<{ places: BucketPlace[]; steps: number[] }> {
    const whole = intervalOf(place);
    const places: BucketPlace[] = [];
    let gaps: readonly Interval[] = [whole];
    for (let level = place.level - 1; level >= 0; level--) {
      if (gaps.length === 0 || places.length > MAX_INPUTS) break;
      const steps = bucketSteps(level);
      const { rows } = await this.client.query<{ bucket: string }>({
        name: 'compaction_histogram_buckets',
        text: `SELECT found.bucket FROM unnest($4::bigint[], $5::bigint[]) AS gap (first, ending) CROSS JOIN LATERAL (
            SELECT DISTINCT bucket FROM histogram_rollup WHERE run = $1 AND attempt = $2 AND level = $3
              AND bucket >= gap.first AND bucket < gap.ending ORDER BY bucket LIMIT $6) AS found`,
        values: [
          this.id.runKey,
          this.id.attempt,
          level,
          gaps.map(({ from }) => from / steps),
          gaps.map(({ to }) => to / steps),
          MAX_INPUTS + 1,
        ],
      });
      places.push(...rows.map(({ bucket }) => ({ level, bucket: Number(bucket) })));
      gaps = uncoveredOf(whole, places.map(intervalOf));
    }
    return { places, steps: await this.#findSteps(gaps) };
  }

  async #findSteps(gaps: readonly Interval[]): Promise<number[]> {
    if (gaps.length === 0) return [];
    const { rows } = await this.client.query<{ step: string }>({
      name: 'compaction_histogram_steps',
      text: `SELECT found.step FROM unnest($3::bigint[], $4::bigint[]) AS gap (first, ending) CROSS JOIN LATERAL (
          SELECT DISTINCT step FROM histogram_frame WHERE run = $1 AND attempt = $2
            AND step >= gap.first AND step < gap.ending ORDER BY step LIMIT $5) AS found`,
      values: [
        this.id.runKey,
        this.id.attempt,
        gaps.map(({ from }) => from),
        gaps.map(({ to }) => to),
        MAX_INPUTS + 1,
      ],
    });
    return rows.map(({ step }) => Number(step));
  }
}
