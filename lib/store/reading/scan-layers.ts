/**
 * Reads one metric of layers from rollups, blocks and hot frames, each reported cell once.
 *
 * A post that came after its block was written is a hot row below `blocksTo`. The rollups do
 * not know it, and need not: its cells count where the block has none, and are added to
 * whatever the rollup says.
 */
import { bitsOf, MISSING_FLOAT32_BITS } from '../../contract/missing-value';
import { AlignedCopy } from '../postgres/aligned-copy';
import { bucketSteps, BUCKETS_PER_ROW } from '../compaction/block-layout';
import {
  decodeBlockInto,
  decodeBlockValues,
  decodeLayerSlice,
  layerSliceSql,
} from '../compaction/block-values';
import { toInt32, toUint16, toUint8 } from '../compaction/packed-arrays';
import type { Plane } from '../compaction/rollup-codec';
import type { RowsPlace } from '../compaction/row-codec';
import type { CopyRow } from '../postgres/copy-binary';
import { type AskedSpan, CoveredScan, slotsOf, spanRelation } from './covered-scan';
import { lowerBound, type StepSpan } from './cover';
import { StepAssembler, StepTransposer } from './hot-steps';
import { inSegment, Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import { RollupColumns } from './rollup-columns';
import type { WindowPart } from './step-window';

export type { Plane };

/** Steps `steps[from]`…`steps[end - 1]` of L layers. */
export interface StepCells {
  /** [n], ascending */
  readonly steps: ArrayLike<number>;
  readonly from: number;
  readonly end: number;
  /** [L][n]; MISSING_FLOAT32_BITS where not reported. */
  readonly values: Float32Array;
}

/** Buckets of a rollup, of which those from `from` to `end` − 1 are meant. */
export interface BucketCells {
  /** [n] the step at which each bucket begins, reported or not */
  readonly steps: ArrayLike<number>;
  readonly from: number;
  readonly end: number;
  /** [n] how many steps were reported. */
  readonly reported: Int32Array;
  /** [L][n] over the finite values, NaN where there is none; those that were asked for. */
  readonly planes: ReadonlyMap<Plane, Float32Array>;
  /** [2][L][n] finite and non-finite values; null where each cell has all of `reported` finite. */
  readonly exceptions: Uint32Array | null;
}

export interface LayerSink {
  addSteps(cells: StepCells): void;
  addBuckets(cells: BucketCells): void;
  /**
   * Where `steps[from]`…`steps[end - 1]` of a block of all layers may be written as they are,
   * for a sink that need not reduce them; null where they must come through `addSteps`.
   */
  placeFor?(steps: ArrayLike<number>, from: number, end: number): RowsPlace | null;
  /** They lie there. Of `layers` some values may not be finite, or not reported. */
  checkPlaced?(place: RowsPlace, count: number, layers: readonly number[]): void;
}

export interface LayerScanQuery {
  readonly runKey: string;
  readonly parts: readonly WindowPart[];
  readonly topLevel: number;
  readonly metricId: number;
  /** Of the whole run. */
  readonly layerCount: number;
  readonly planes: readonly Plane[];
  /** One layer alone; all without. */
  readonly layer?: number;
}

/** Of all scans: whoever takes a row is done with it before the next one comes. */
const COPIES = {
  packed: new AlignedCopy(),
  values: new AlignedCopy(),
} as const;

export class LayerScan extends CoveredScan {
  readonly #query: LayerScanQuery;
  readonly #columns: RollupColumns;
  readonly #sink: LayerSink;
  readonly #scannedLayers: number;
  readonly #lateSteps: ReadonlyMap<number, readonly number[]>;
  /** Late posts' cells, and what the blocks have at the same steps; by attempt and step. */
  readonly #lateCells = new Map<string, { readonly step: number; readonly cells: Uint32Array }>();
  readonly #blockCells = new Map<string, Uint32Array>();
  readonly #hotSteps: StepAssembler;
  readonly #hotBlocks: StepTransposer;

  constructor(query: LayerScanQuery, sink: LayerSink) {
    super(query.parts, query.topLevel);
    this.#query = query;
    this.#columns = new RollupColumns(query);
    this.#sink = sink;
    this.#scannedLayers = query.layer === undefined ? query.layerCount : 1;
    this.#lateSteps = new Map(query.parts.map(({ attempt, lateSteps }) => [attempt, lateSteps]));
    this.#hotBlocks = new StepTransposer(this.#scannedLayers, (steps, values) => {
      sink.addSteps({ steps, from: 0, end: steps.length, values });
    });
    const blocksTo = new Map(query.parts.map((part) => [part.attempt, part.blocksTo]));
    this.#hotSteps = new StepAssembler(this.#scannedLayers, (attempt, step, values) => {
      if (step >= (blocksTo.get(attempt) ?? 0)) this.#hotBlocks.add(step, values);
      else this.#lateCells.set(`${attempt}/${step}`, { step, cells: bitsOf(values).slice() });
    });
  }

  protected rollupOf(p: Parameters): string {
    const { runKey, metricId } = this.#query;
    return `metric_rollup WHERE run = ${p.uuid(runKey)} AND metric = ${p.integer('smallint', metricId)}`;
  }

  protected levelsOf({ layerLevels }: WindowPart): ReadonlySet<number> {
    return layerLevels;
  }

  protected staleStepsOf(): readonly number[] {
    return [];
  }

  protected gapsOf({ layerGaps }: WindowPart): readonly StepSpan[] {
    return layerGaps;
  }

  protected rowsQuery(p: Parameters, keys: string): PreparedQuery {
    return {
      sql: `SELECT asked.attempt, asked.level, asked.block, bucket_slots, reported, ${this.#columns.select(p)}
        FROM ${keys} CROSS JOIN LATERAL (SELECT * FROM ${this.rollupOf(p)}
          AND attempt = asked.attempt AND level = asked.level AND block = asked.block OFFSET 0) AS rollup`,
      values: p.values,
      onRow: (row) => {
        const asked = this.takeRow(row.int4(0), row.int2(1), row.int8(2));
        const slots = toUint8(row.bytes(3));
        const width = bucketSteps(asked.level);
        const cells = {
          steps: Array.from(slots, (slot) => (asked.block * BUCKETS_PER_ROW + slot) * width),
          reported: toInt32(row.bytes(4)),
          ...this.#columns.read(row, 5, slots.length),
        };
        for (const piece of asked.pieces) {
          this.#sink.addBuckets({ ...cells, ...slotsOf(slots, piece) });
        }
      },
    };
  }

  protected spansQueries(spans: readonly AskedSpan[], isFirst: boolean): PreparedQuery[] {
    const queries: PreparedQuery[] = [];
    if (isFirst && this.parts.length > 0) queries.push(this.#hotQuery());
    if (isFirst && this.parts.some(({ lateSteps }) => lateSteps.length > 0)) {
      queries.push(this.#lateBlocksQuery());
    }
    if (spans.length > 0) queries.push(this.#blocksQuery(spans));
    return queries;
  }

  finish(): void {
    this.#hotSteps.finish();
    for (const [key, { step, cells }] of this.#lateCells) {
      // A cell that is in the block has been counted with it.
      this.#blockCells.get(key)?.forEach((bits, layer) => {
        if (bits !== MISSING_FLOAT32_BITS) cells[layer] = MISSING_FLOAT32_BITS;
      });
      this.#hotBlocks.add(step, new Float32Array(cells.buffer, cells.byteOffset, cells.length));
    }
    this.#hotBlocks.flush();
  }

  /** The blocks that hold steps of the spans, of which the first may begin before its span. */
  #blocksQuery(spans: readonly AskedSpan[]): PreparedQuery {
    const p = new Parameters();
    const ofMetric = this.#blocksOf(p, 'asked');
    return {
      sql: `SELECT asked.attempt, ${this.#blockColumns(p)}, asked.from_step, asked.end_step
        FROM ${spanRelation(p, spans)} CROSS JOIN LATERAL (
          SELECT * FROM ${ofMetric} AND first_step < asked.end_step AND first_step >= coalesce(
            (SELECT first_step FROM ${ofMetric} AND first_step <= asked.from_step ORDER BY first_step DESC LIMIT 1),
            asked.from_step)
          ORDER BY first_step) AS block
        WHERE first_step + span > asked.from_step`,
      values: p.values,
      onRow: (row) => {
        const steps = stepsOf(row);
        const from = lowerBound(steps, row.int8(5));
        const end = lowerBound(steps, row.int8(6));
        if (from >= end) return;
        const isWhole = this.#query.layer === undefined;
        const place = isWhole ? (this.#sink.placeFor?.(steps, from, end) ?? null) : null;
        if (place === null) {
          this.#sink.addSteps({ steps, from, end, values: this.#valuesOf(row, steps.length) });
          return;
        }
        const bytes = COPIES.packed.bytes(row.bytes(4));
        const doubtful = decodeBlockInto(row.int2(2), bytes, steps.length, { from, end }, place);
        this.#sink.checkPlaced?.(place, end - from, doubtful);
      },
    };
  }

  /** The blocks to which the late steps belong, each once. */
  #lateBlocksQuery(): PreparedQuery {
    const p = new Parameters();
    const lateSteps = this.parts.flatMap(({ attempt, lateSteps: steps }) =>
      steps.map((step) => ({ attempt, fromStep: step, endStep: step + 1 })),
    );
    return {
      sql: `SELECT block.attempt, ${this.#blockColumns(p)} FROM (
          SELECT DISTINCT asked.attempt, nearest.first_step FROM ${spanRelation(p, lateSteps)} CROSS JOIN LATERAL (
            SELECT first_step FROM ${this.#blocksOf(p, 'asked')} AND first_step <= asked.from_step
            ORDER BY first_step DESC LIMIT 1) AS nearest
        ) AS late CROSS JOIN LATERAL (
          SELECT * FROM ${this.#blocksOf(p, 'late')} AND first_step = late.first_step OFFSET 0) AS block`,
      values: p.values,
      onRow: (row) => {
        const steps = stepsOf(row);
        const values = this.#valuesOf(row, steps.length);
        const attempt = row.int4(0);
        const late = this.#lateSteps.get(attempt) ?? [];
        for (const [at, step] of steps.entries()) {
          if (late[lowerBound(late, step)] !== step) continue;
          this.#blockCells.set(`${attempt}/${step}`, columnOf(values, at, steps.length));
        }
      },
    };
  }

  #blocksOf(p: Parameters, relation: string): string {
    const { runKey, metricId } = this.#query;
    return `metric_block WHERE run = ${p.uuid(runKey)} AND attempt = ${relation}.attempt AND metric = ${p.integer('smallint', metricId)}`;
  }

  /** What `stepsOf` and `#valuesOf` read, from the second field of a row on. */
  #blockColumns(p: Parameters): string {
    const { layer } = this.#query;
    const values = layer === undefined ? '"values"' : layerSliceSql(p.integer('int', layer));
    return `block.first_step, codec, step_offsets, ${values}`;
  }

  #valuesOf(row: CopyRow, columnCount: number): Float32Array {
    const codec = row.int2(2);
    if (this.#query.layer !== undefined) return decodeLayerSlice(codec, row.bytes(4), columnCount);
    const bytes = COPIES.packed.bytes(row.bytes(4));
    return decodeBlockValues(codec, bytes, columnCount, (length) => COPIES.values.floats(length));
  }

  /** Hot rows of the parts, shards of a step in ascending order of their first layer. */
  #hotQuery(): PreparedQuery {
    const p = new Parameters();
    const { metricId, layer = 0, runKey } = this.#query;
    const relation = p.segments(
      this.parts.map(({ attempt, firstStep, lastStep }) => ({
        attempt,
        fromStep: firstStep,
        toStep: lastStep,
      })),
    );
    const firstLayer = p.integer('int', layer);
    const endLayer = p.integer('int', layer + this.#scannedLayers);
    return {
      // substr fetches the pieces of the stored value that hold the asked layers, no others.
      sql: `SELECT segment.attempt, step, first_layer - ${firstLayer},
          substr("values", ((position - 1) * layer_count + first_layer - layer_offset) * 4 + 1, (end_layer - first_layer) * 4)
        FROM ${relation} CROSS JOIN LATERAL (
          SELECT step, layer_offset, layer_count, "values",
            array_position(metric_ids, ${p.integer('smallint', metricId)}) AS position,
            greatest(layer_offset, ${firstLayer}) AS first_layer,
            least(layer_offset + layer_count, ${endLayer}) AS end_layer
          FROM hot_frame WHERE ${inSegment(p.uuid(runKey))} ORDER BY step, layer_offset
        ) AS frame
        WHERE position IS NOT NULL AND first_layer < end_layer`,
      values: p.values,
      onRow: (row) => {
        this.#hotSteps.add(row.int4(0), row.int8(1), row.int4(2), row.bytes(3));
      },
    };
  }
}

/** One step's layers out of [L][n]. */
function columnOf(values: Float32Array, at: number, n: number): Uint32Array {
  const bits = bitsOf(values);
  return Uint32Array.from({ length: values.length / n }, (_, layer) => bits[layer * n + at] ?? 0);
}

/** The steps of a block's row. */
function stepsOf(row: CopyRow): Float64Array {
  const firstStep = row.int8(1);
  return Float64Array.from(toUint16(row.bytes(3)), (offset) => firstStep + offset);
}
