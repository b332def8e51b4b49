/** Reads of the stored histograms of one layer, and of what else is known of it at their steps. */
import { MISSING_FLOAT32_BITS, bitsOf } from '../../contract/missing-value';
import { decodeLayerSlice, layerSliceSql } from '../compaction/block-values';
import { toUint16 } from '../compaction/packed-arrays';
import { unpackCounts } from '../packed-counts';
import { inSegment, Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { ReadableRun } from './readable-run';
import type { RowReader } from '../postgres/snapshot';
import type { StepPlace } from './step-window';
import type { Segment } from '../runs/trajectory';

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

const holdsLayer = (layer: string): string =>
  `layer_offset <= ${layer} AND layer_offset + layer_count > ${layer}`;

/**
 * Of each segment the newest step that holds a histogram of the layer. Backwards along the
 * primary key. `others` go in the same round trip, here and below.
 */
export function findNewestHistogramSteps(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
  layer: number,
  others: readonly PreparedQuery[],
): Promise<StepPlace[]> {
  return findPlaces(reader, { runKey, segments, layer, others }, (held) => {
    return `SELECT step FROM ${held} ORDER BY step DESC LIMIT 1`;
  });
}

/** The steps of the segments that hold a histogram of the layer, in no order. */
export function findHistogramSteps(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
  layer: number,
  others: readonly PreparedQuery[],
): Promise<StepPlace[]> {
  return findPlaces(reader, { runKey, segments, layer, others }, (held) => {
    return `SELECT DISTINCT step FROM ${held}`;
  });
}

async function findPlaces(
  reader: RowReader,
  {
    runKey,
    segments,
    layer,
    others,
  }: {
    readonly runKey: string;
    readonly segments: readonly Segment[];
    readonly layer: number;
    readonly others: readonly PreparedQuery[];
  },
  select: (held: string) => string,
): Promise<StepPlace[]> {
  const places: StepPlace[] = [];
  const p = new Parameters();
  const relation = p.segments(segments);
  const held = `histogram_frame WHERE ${inSegment(p.uuid(runKey))} AND ${holdsLayer(p.integer('int', layer))}`;
  await reader.readAll([
    ...others,
    {
      sql: `SELECT segment.attempt, held.step FROM ${relation} CROSS JOIN LATERAL (${select(held)}) AS held`,
      values: p.values,
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
  if (places.length === 0) return [];
  const found = new Map(places.map((place) => [keyOf(place), emptyPlace(place)]));
  const at: PlaceLookup = (attempt, step) => found.get(keyOf({ attempt, step }));
  const asked = { runKey, places, layer };
  await reader.readAll([
    lossQuery(asked, at),
    histogramQuery(asked, at),
    blockQuery(asked, [...names.layer.values()], at),
    hotQuery(asked, at),
  ]);
  return [...found.values()];
}

interface AskedPlaces {
  readonly runKey: string;
  readonly places: readonly StepPlace[];
  readonly layer: number;
}

type PlaceLookup = (attempt: number, step: number) => FoundPlace | undefined;

/** The places as a relation `asked (attempt, step)`. */
function placeRelation(p: Parameters, places: readonly StepPlace[]): string {
  const attempts = p.integers(
    'int',
    places.map(({ attempt }) => attempt),
  );
  const steps = p.integers(
    'bigint',
    places.map(({ step }) => step),
  );
  return `unnest(${attempts}, ${steps}) AS asked (attempt, step)`;
}

function lossQuery({ runKey, places }: AskedPlaces, at: PlaceLookup): PreparedQuery {
  const p = new Parameters();
  return {
    sql: `SELECT asked.attempt, asked.step, loss FROM ${placeRelation(p, places)} CROSS JOIN LATERAL (
        SELECT loss FROM step WHERE run = ${p.uuid(runKey)} AND attempt = asked.attempt
          AND step = asked.step OFFSET 0) AS reported`,
    values: p.values,
    onRow: (row) => {
      const place = at(row.int4(0), row.int8(1));
      if (place !== undefined) place.loss = row.float8(2);
    },
  };
}

function histogramQuery({ runKey, places, layer }: AskedPlaces, at: PlaceLookup): PreparedQuery {
  const p = new Parameters();
  const run = p.uuid(runKey);
  const index = p.integer('int', layer);
  return {
    sql: `SELECT asked.attempt, asked.step, kind, count_width, outside_width, edges,
        substr(counts, (${index} - layer_offset) * bin_count * count_width + 1, bin_count * count_width),
        substr(outside, (${index} - layer_offset) * 4 * outside_width + 1, 4 * outside_width)
      FROM ${placeRelation(p, places)} CROSS JOIN LATERAL (
        SELECT * FROM histogram_frame WHERE run = ${run} AND attempt = asked.attempt
          AND step = asked.step AND ${holdsLayer(index)} ORDER BY layer_offset, kind) AS held
      CROSS JOIN LATERAL (
        SELECT edges FROM histogram_edges WHERE run = ${run} AND edges_hash = held.edges_hash OFFSET 0) AS cut`,
    values: p.values,
    onRow: (row) => {
      const ofStep = at(row.int4(0), row.int8(1))?.histograms;
      const kindId = row.int2(2);
      if (ofStep === undefined || ofStep.some((known) => known.kindId === kindId)) return;
      const edges = row.bytes(5);
      ofStep.push({
        kindId,
        edges: Array.from({ length: edges.length / 4 }, (_, edge) => edges.readFloatLE(edge * 4)),
        counts: unpackCounts(row.bytes(6), row.int2(3)),
        outside: unpackCounts(row.bytes(7), row.int2(4)),
      });
    },
  };
}

/** Of each metric the block that begins at or before the step; it may end before it. */
function blockQuery(
  { runKey, places, layer }: AskedPlaces,
  metricIds: readonly number[],
  at: PlaceLookup,
): PreparedQuery {
  const p = new Parameters();
  const blocks = `metric_block AS block WHERE run = ${p.uuid(runKey)}`;
  return {
    sql: `SELECT block.attempt, block.metric, block.first_step, codec, step_offsets,
        ${layerSliceSql(p.integer('int', layer))}
      FROM (
        SELECT DISTINCT asked.attempt, metric.metric, nearest.first_step FROM ${placeRelation(p, places)}
        CROSS JOIN unnest(${p.integers('smallint', metricIds)}) AS metric (metric) CROSS JOIN LATERAL (
          SELECT first_step FROM ${blocks} AND block.attempt = asked.attempt
            AND block.metric = metric.metric AND first_step <= asked.step
          ORDER BY first_step DESC LIMIT 1) AS nearest
      ) AS wanted CROSS JOIN LATERAL (
        SELECT * FROM ${blocks} AND block.attempt = wanted.attempt
          AND block.metric = wanted.metric AND first_step = wanted.first_step OFFSET 0) AS block`,
    values: p.values,
    onRow: (row) => {
      const attempt = row.int4(0);
      const metricId = row.int2(1);
      const firstStep = row.int8(2);
      const offsets = toUint16(row.bytes(4));
      const values = decodeLayerSlice(row.int2(3), row.bytes(5), offsets.length);
      const bits = bitsOf(values);
      offsets.forEach((offset, index) => {
        const isMissing = bits[index] === MISSING_FLOAT32_BITS;
        at(attempt, firstStep + offset)?.statistics.set(
          metricId,
          isMissing ? null : (values[index] ?? null),
        );
      });
    },
  };
}

/** What is in no block yet; to be read after the blocks. */
function hotQuery({ runKey, places, layer }: AskedPlaces, at: PlaceLookup): PreparedQuery {
  const p = new Parameters();
  const index = p.integer('int', layer);
  return {
    sql: `SELECT asked.attempt, asked.step, metric_ids,
        (SELECT string_agg(substr("values", (position * layer_count + ${index} - layer_offset) * 4 + 1, 4), ''::bytea ORDER BY position)
         FROM generate_series(0, cardinality(metric_ids) - 1) AS position)
      FROM ${placeRelation(p, places)} CROSS JOIN LATERAL (
        SELECT * FROM hot_frame WHERE run = ${p.uuid(runKey)} AND attempt = asked.attempt
          AND step = asked.step AND ${holdsLayer(index)} ORDER BY layer_offset) AS hot`,
    values: p.values,
    onRow: (row) => {
      const statistics = at(row.int4(0), row.int8(1))?.statistics;
      const cells = row.bytes(3);
      row.int2Array(2).forEach((metricId, position) => {
        // What is in the block stands, then what the first shard says.
        const known = statistics?.get(metricId) ?? null;
        const isMissing = cells.readUInt32LE(position * 4) === MISSING_FLOAT32_BITS;
        statistics?.set(metricId, known ?? (isMissing ? null : cells.readFloatLE(position * 4)));
      });
    },
  };
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
