/** Reads of the stored histograms of one layer, and of what else is known of it at their steps. */
import { MISSING_FLOAT32_BITS, bitsOf } from '../contract/missing-value';
import { decodeBlockValues } from './compaction/block-rows';
import { toUint16 } from './compaction/packed-arrays';
import type { RowQuery } from './copy-binary';
import { unpackCounts } from './packed-counts';
import type { ReadableRun } from './readable-run';
import {
  arrayLiteral,
  inSegment,
  integerLiteral,
  runLiteral,
  segmentRelation,
} from './segment-filter';
import type { RowReader } from './snapshot';
import type { StepPlace } from './step-window';
import type { Segment } from './trajectory';

export interface StoredHistogram {
  readonly kindId: number;
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** Underflow, overflow, exact zeros, non-finite. */
  readonly outside: readonly number[];
}

/** What is known of one layer at one step. */
export interface LayerAtStep extends StepPlace {
  readonly loss: number | null;
  /** Of each kind the first shard's. */
  readonly histograms: readonly StoredHistogram[];
  /** By the metric's number; null is "not reported" of a metric that other layers have. */
  readonly statistics: ReadonlyMap<number, number | null>;
}

const holdsLayer = (layer: number): string =>
  `layer_offset <= ${integerLiteral(layer)} AND layer_offset + layer_count > ${integerLiteral(layer)}`;

/**
 * Of each segment the newest step that holds a histogram of the layer. Backwards along the
 * primary key. `others` go in the same round trip, here and below.
 */
export async function findNewestHistogramSteps(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
  layer: number,
  others: readonly RowQuery[],
): Promise<StepPlace[]> {
  const places: StepPlace[] = [];
  await reader.copyAll([
    ...others,
    {
      sql: `SELECT segment.attempt, newest.step FROM ${segmentRelation(segments)} CROSS JOIN LATERAL (
          SELECT step FROM histogram_frame WHERE ${inSegment(runKey)} AND ${holdsLayer(layer)}
          ORDER BY step DESC LIMIT 1) AS newest`,
      onRow: (row) => places.push({ attempt: row.int4(0), step: row.int8(1) }),
    },
  ]);
  return places;
}

/** The steps of the segments that hold a histogram of the layer, in no order. */
export async function findHistogramSteps(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
  layer: number,
  others: readonly RowQuery[],
): Promise<StepPlace[]> {
  const places: StepPlace[] = [];
  await reader.copyAll([
    ...others,
    {
      sql: `SELECT segment.attempt, held.step FROM ${segmentRelation(segments)} CROSS JOIN LATERAL (
          SELECT DISTINCT step FROM histogram_frame WHERE ${inSegment(runKey)} AND ${holdsLayer(layer)}
        ) AS held`,
      onRow: (row) => places.push({ attempt: row.int4(0), step: row.int8(1) }),
    },
  ]);
  return places;
}

/** Keyed reads at the places, in one round trip; slices of the layer alone. */
export async function findLayerAtSteps(
  reader: RowReader,
  { runKey, names }: Pick<ReadableRun, 'runKey' | 'names'>,
  places: readonly StepPlace[],
  layer: number,
): Promise<LayerAtStep[]> {
  const run = runLiteral(runKey);
  const found = new Map(places.map((place) => [keyOf(place), emptyPlace(place)]));
  const at = (attempt: number, step: number) => found.get(keyOf({ attempt, step }));
  const relation = placeRelation(places);
  const metrics = arrayLiteral('smallint', names.layer.values());
  if (places.length === 0) return [];
  await reader.copyAll([
    {
      sql: `SELECT asked.attempt, asked.step, loss FROM ${relation}
        CROSS JOIN LATERAL (SELECT loss FROM step WHERE run = ${run} AND attempt = asked.attempt AND step = asked.step OFFSET 0) AS reported`,
      onRow: (row) => {
        const place = at(row.int4(0), row.int8(1));
        if (place !== undefined) place.loss = row.float8(2);
      },
    },
    {
      sql: `SELECT asked.attempt, asked.step, kind, count_width, outside_width, edges,
          substr(counts, (${integerLiteral(layer)} - layer_offset) * bin_count * count_width + 1, bin_count * count_width),
          substr(outside, (${integerLiteral(layer)} - layer_offset) * 4 * outside_width + 1, 4 * outside_width)
        FROM ${relation} CROSS JOIN LATERAL (
          SELECT * FROM histogram_frame WHERE run = ${run} AND attempt = asked.attempt AND step = asked.step
            AND ${holdsLayer(layer)} ORDER BY layer_offset, kind) AS held
        CROSS JOIN LATERAL (SELECT edges FROM histogram_edges WHERE run = ${run} AND edges_hash = held.edges_hash OFFSET 0) AS cut`,
      onRow: (row) => {
        const ofStep = at(row.int4(0), row.int8(1))?.histograms;
        const kindId = row.int2(2);
        if (ofStep === undefined || ofStep.some((known) => known.kindId === kindId)) return;
        const edges = row.bytes(5);
        ofStep.push({
          kindId,
          edges: Array.from({ length: edges.length / 4 }, (_, index) =>
            edges.readFloatLE(index * 4),
          ),
          counts: unpackCounts(row.bytes(6), row.int2(3)),
          outside: unpackCounts(row.bytes(7), row.int2(4)),
        });
      },
    },
    {
      // The block that begins at or before the step, of each metric; it may end before it.
      sql: `SELECT block.attempt, block.metric, block.first_step, codec, step_offsets,
          substr("values", ${integerLiteral(layer)} * step_count * 4 + 1, step_count * 4)
        FROM (
          SELECT DISTINCT asked.attempt, metric, nearest.first_step
          FROM ${relation} CROSS JOIN unnest(${metrics}) AS metric CROSS JOIN LATERAL (
            SELECT first_step FROM metric_block AS block WHERE run = ${run} AND block.attempt = asked.attempt
              AND block.metric = metric.metric AND first_step <= asked.step
            ORDER BY first_step DESC LIMIT 1) AS nearest
        ) AS wanted CROSS JOIN LATERAL (
          SELECT * FROM metric_block AS block WHERE run = ${run} AND block.attempt = wanted.attempt
            AND block.metric = wanted.metric AND first_step = wanted.first_step OFFSET 0) AS block`,
      onRow: (row) => {
        const firstStep = row.int8(2);
        const values = decodeBlockValues(row.int2(3), row.bytes(5));
        const bits = bitsOf(values);
        toUint16(row.bytes(4)).forEach((offset, index) => {
          const statistics = at(row.int4(0), firstStep + offset)?.statistics;
          const isMissing = bits[index] === MISSING_FLOAT32_BITS;
          statistics?.set(row.int2(1), isMissing ? null : (values[index] ?? null));
        });
      },
    },
    {
      sql: `SELECT asked.attempt, asked.step, metric_ids,
          (SELECT string_agg(substr("values", (position * layer_count + ${integerLiteral(layer)} - layer_offset) * 4 + 1, 4), ''::bytea ORDER BY position)
           FROM generate_series(0, cardinality(metric_ids) - 1) AS position)
        FROM ${relation} CROSS JOIN LATERAL (
          SELECT * FROM hot_frame WHERE run = ${run} AND attempt = asked.attempt AND step = asked.step
            AND ${holdsLayer(layer)} ORDER BY layer_offset) AS hot`,
      onRow: (row) => {
        const statistics = at(row.int4(0), row.int8(1))?.statistics;
        const cells = row.bytes(3);
        row.int2Array(2).forEach((metricId, index) => {
          // What is in the block stands, then what the first shard says.
          const known = statistics?.get(metricId) ?? null;
          const isMissing = cells.readUInt32LE(index * 4) === MISSING_FLOAT32_BITS;
          statistics?.set(metricId, known ?? (isMissing ? null : cells.readFloatLE(index * 4)));
        });
      },
    },
  ]);
  return [...found.values()];
}

interface FoundPlace extends StepPlace {
  loss: number | null;
  readonly histograms: StoredHistogram[];
  readonly statistics: Map<number, number | null>;
}

function emptyPlace(place: StepPlace): FoundPlace {
  return { ...place, loss: null, histograms: [], statistics: new Map() };
}

function keyOf({ attempt, step }: StepPlace): string {
  return `${attempt}/${step}`;
}

function placeRelation(places: readonly StepPlace[]): string {
  const attempts = places.map(({ attempt }) => attempt);
  const steps = places.map(({ step }) => step);
  return `unnest(${arrayLiteral('int', attempts)}, ${arrayLiteral('bigint', steps)}) AS asked (attempt, step)`;
}
