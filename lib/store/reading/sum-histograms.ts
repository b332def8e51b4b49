/**
 * Sums of the histograms of one layer over aligned stretches of steps: from the highest
 * rollups that fit into a stretch, level by level down to the steps at its ends, those that
 * are hot, and those whose edges differ.
 */
import { AppError } from '../../contract/app-error';
import { alignDown, alignUp, bucketSteps, MAX_LEVEL } from '../compaction/block-layout';
import { type Interval, uncoveredOf } from '../compaction/intervals';
import type { CopyRow } from '../postgres/copy-binary';
import { unpackSums } from '../packed-counts';
import { Parameters } from '../postgres/parameters';
import { uuidText } from '../runs/run-key';
import type { RowReader } from '../postgres/snapshot';
import type { WindowPart } from './step-window';

export interface HistogramSum {
  /** Which multiple of `stretchSteps` it begins at. */
  readonly stretch: number;
  readonly kindId: number;
  readonly edges: readonly number[];
  readonly stepCount: number;
  readonly counts: readonly number[];
  /** Underflow, overflow, exact zeros, non-finite. */
  readonly outside: readonly number[];
}

export interface SumQuery {
  readonly runKey: string;
  readonly parts: readonly Pick<WindowPart, 'attempt' | 'firstStep' | 'lastStep' | 'lateSteps'>[];
  readonly layer: number;
  /** A power of four. */
  readonly stretchSteps: number;
}

/** Far more than a read needs whose edges are the same; a second's work. */
const MAX_ROWS = 20_000;

/** By stretch, kind and edges. Throws AppError `invalid_query` for what takes too many rows. */
export async function sumHistograms(reader: RowReader, query: SumQuery): Promise<HistogramSum[]> {
  const sums = new LayerSums(query);
  let gaps: readonly Gap[] = query.parts.map(({ attempt, firstStep, lastStep }) => ({
    attempt,
    from: firstStep,
    to: lastStep + 1,
  }));
  for (let level = MAX_LEVEL; level >= 0; level--) {
    if (bucketSteps(level) > query.stretchSteps) continue;
    gaps = await sums.addRollups(reader, gaps, level);
  }
  await sums.addSteps(reader, gaps);
  return sums.finish(reader);
}

interface Gap extends Interval {
  readonly attempt: number;
}

interface OpenSum {
  readonly stretch: number;
  readonly kindId: number;
  readonly edgesHash: string;
  stepCount: number;
  readonly counts: number[];
  readonly outside: number[];
}

class LayerSums {
  readonly #sums = new Map<string, OpenSum>();
  #rowsLeft = MAX_ROWS;

  constructor(private readonly query: SumQuery) {}

  /** Returns what the rows of the level leave open. */
  async addRollups(reader: RowReader, gaps: readonly Gap[], level: number): Promise<Gap[]> {
    const { runKey, layer, parts } = this.query;
    const steps = bucketSteps(level);
    const whole = gaps.map(({ attempt, from, to }) => ({
      attempt,
      from: alignUp(from, steps),
      to: alignDown(to, steps),
    }));
    if (whole.every(({ from, to }) => from >= to)) return [...gaps];
    const late = new Map(
      parts.map(({ attempt, lateSteps }) => [
        attempt,
        new Set(lateSteps.map((step) => Math.floor(step / steps))),
      ]),
    );
    const covered = gaps.map((): Interval[] => []);
    const p = new Parameters();
    const relation = gapRelation(p, whole, steps);
    const run = p.uuid(runKey);
    const index = p.integer('int', layer);
    const slice = (column: string, width: string, length: string): string =>
      `substr(${column}, (${index} - layer_offset) * ${length} * ${width} + 1, ${length} * ${width})`;
    await reader.readAll([
      {
        sql: `SELECT (gap.number - 1)::int, bucket, layer_offset, layer_count, kind, edges_hash, step_width, count_width, outside_width,
            ${slice('steps', 'step_width', '1')}, ${slice('counts', 'count_width', 'bin_count')}, ${slice('outside', 'outside_width', '4')}
          FROM ${relation} CROSS JOIN LATERAL (
            SELECT * FROM histogram_rollup WHERE run = ${run} AND attempt = gap.attempt
              AND level = ${p.integer('smallint', level)} AND bucket >= gap.first AND bucket < gap.ending
            ORDER BY bucket, kind OFFSET 0) AS summed
          LIMIT ${p.integer('int', this.#rowsLeft + 1)}`,
        values: p.values,
        onRow: (row) => {
          this.#countRow();
          const gap = row.int4(0);
          const bucket = row.int8(1);
          // Of a step that came late the sum knows nothing yet.
          if (late.get(gaps[gap]?.attempt ?? 0)?.has(bucket) === true) return;
          covered[gap]?.push({ from: bucket * steps, to: (bucket + 1) * steps });
          const isHeld = layer >= row.int4(2) && layer < row.int4(2) + row.int4(3);
          const stepCount = isHeld ? (unpackSums(row.bytes(9), row.int2(6))[0] ?? 0) : 0;
          if (stepCount > 0) this.#add(row, bucket * steps, stepCount);
        },
      },
    ]);
    return gaps.flatMap((gap, index) =>
      uncoveredOf(gap, covered[index] ?? []).map((open) => ({ ...open, attempt: gap.attempt })),
    );
  }

  async addSteps(reader: RowReader, gaps: readonly Gap[]): Promise<void> {
    if (gaps.length === 0) return;
    const { runKey, layer } = this.query;
    const p = new Parameters();
    const relation = gapRelation(p, gaps, 1);
    const run = p.uuid(runKey);
    const index = p.integer('int', layer);
    /** By attempt and kind, the step that was added last. */
    const lastSteps = new Map<string, number>();
    await reader.readAll([
      {
        sql: `SELECT gap.attempt, step, count_width, outside_width, kind, edges_hash, 0, count_width, outside_width, ''::bytea,
            substr(counts, (${index} - layer_offset) * bin_count * count_width + 1, bin_count * count_width),
            substr(outside, (${index} - layer_offset) * 4 * outside_width + 1, 4 * outside_width)
          FROM ${relation} CROSS JOIN LATERAL (
            SELECT * FROM histogram_frame WHERE run = ${run} AND attempt = gap.attempt
              AND step >= gap.first AND step < gap.ending
              AND layer_offset <= ${index} AND layer_offset + layer_count > ${index}
            ORDER BY step, layer_offset, kind OFFSET 0) AS posted
          LIMIT ${p.integer('int', this.#rowsLeft + 1)}`,
        values: p.values,
        onRow: (row) => {
          this.#countRow();
          const step = row.int8(1);
          const key = `${row.int4(0)}/${row.int2(4)}`;
          // Of two shards that hold the layer the first counts.
          if (lastSteps.get(key) === step) return;
          lastSteps.set(key, step);
          this.#add(row, step, 1);
        },
      },
    ]);
  }

  async finish(reader: RowReader): Promise<HistogramSum[]> {
    const open = [...this.#sums.values()];
    if (open.length === 0) return [];
    const edgesOf = new Map<string, readonly number[]>();
    const p = new Parameters();
    await reader.readAll([
      {
        sql: `SELECT edges_hash, edges FROM histogram_edges WHERE run = ${p.uuid(this.query.runKey)}
          AND edges_hash = ANY(${p.uuids(new Set(open.map(({ edgesHash }) => edgesHash)))})`,
        values: p.values,
        onRow: (row) => {
          const edges = row.bytes(1);
          edgesOf.set(
            uuidText(row.uuid(0)),
            Array.from({ length: edges.length / 4 }, (_, edge) => edges.readFloatLE(edge * 4)),
          );
        },
      },
    ]);
    return open
      .sort(
        (a, b) =>
          a.stretch - b.stretch || a.kindId - b.kindId || (a.edgesHash < b.edgesHash ? -1 : 1),
      )
      .map(({ edgesHash, ...sum }) => ({ ...sum, edges: edgesOf.get(edgesHash) ?? [] }));
  }

  #countRow(): void {
    if (this.#rowsLeft-- > 0) return;
    throw new AppError(
      'invalid_query',
      `more than ${MAX_ROWS} histograms of the range cannot be read as sums, since their edges differ from step to step or they are not summed up yet: ask for fewer steps`,
    );
  }

  /** From field 4 on: kind, edges, and the widths and then the payloads of steps, counts and outside. */
  #add(row: CopyRow, step: number, stepCount: number): void {
    const stretch = Math.floor(step / this.query.stretchSteps);
    const kindId = row.int2(4);
    const edgesHash = uuidText(row.uuid(5));
    const counts = unpackSums(row.bytes(10), row.int2(7));
    const outside = unpackSums(row.bytes(11), row.int2(8));
    const key = `${stretch}/${kindId}/${edgesHash}`;
    const known = this.#sums.get(key);
    if (known === undefined) {
      this.#sums.set(key, {
        stretch,
        kindId,
        edgesHash,
        stepCount,
        counts: Array.from(counts),
        outside: Array.from(outside),
      });
      return;
    }
    known.stepCount += stepCount;
    counts.forEach((count, bin) => (known.counts[bin] = (known.counts[bin] ?? 0) + count));
    outside.forEach((count, side) => (known.outside[side] = (known.outside[side] ?? 0) + count));
  }
}

/** A relation `gap (attempt, first, ending, number)` in units of `steps`, numbered from 1. */
function gapRelation(p: Parameters, gaps: readonly Gap[], steps: number): string {
  const attempts = p.integers(
    'int',
    gaps.map(({ attempt }) => attempt),
  );
  const first = p.integers(
    'bigint',
    gaps.map(({ from }) => from / steps),
  );
  const ending = p.integers(
    'bigint',
    gaps.map(({ to }) => to / steps),
  );
  return `unnest(${attempts}, ${first}, ${ending}) WITH ORDINALITY AS gap (attempt, first, ending, number)`;
}
