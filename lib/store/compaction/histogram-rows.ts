/** Rows of histograms to sum up, and of their sums, as they are read and written. */
import type { ClientBase } from 'pg';
import { BinaryWriter } from '../postgres/binary-writer';
import { CopyIn, CopyOut, type CopyRow } from '../postgres/copy-binary';
import { packSums, unpackColumn, unpackSums } from '../packed-counts';
import { uuidBytes, uuidText } from '../runs/run-key';
import type { AttemptId } from './compaction-state';
import type { HistogramPart, HistogramSums, SummedHistograms } from './histogram-sums';
import type { MovedPost } from './write-blocks';

/** 16·4^level steps from `bucket` times as many on. */
export interface BucketPlace {
  readonly level: number;
  readonly bucket: number;
}

const TARGET =
  'histogram_rollup (run, attempt, level, bucket, kind, edges_hash, layer_offset, layer_count, bin_count, step_width, count_width, outside_width, steps, counts, outside)';

export async function deleteSums(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  { level, bucket }: BucketPlace,
): Promise<void> {
  await client.query({
    name: 'compaction_delete_histograms',
    text: `DELETE FROM histogram_rollup WHERE run = $1 AND attempt = $2 AND level = $3 AND bucket = $4`,
    values: [runKey, attempt, level, bucket],
  });
}

export async function insertSums(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  { level, bucket }: BucketPlace,
  sums: readonly SummedHistograms[],
): Promise<void> {
  const writer = new BinaryWriter(1 << 16);
  const runBytes = uuidBytes(runKey);
  writer.copyHeader();
  for (const kind of sums) {
    const [steps, counts, outside] = [kind.steps, kind.counts, kind.outside].map((plane) =>
      packSums(Float64Array.from(plane)),
    );
    if (steps === undefined || counts === undefined || outside === undefined) continue;
    writer.row(15);
    writer.uuid(runBytes);
    writer.int4(attempt);
    writer.int2(level);
    writer.int8(bucket);
    writer.int2(kind.kindId);
    writer.uuid(uuidBytes(kind.edgesHash));
    writer.int4(kind.layerOffset);
    writer.int4(kind.layerCount);
    writer.int4(kind.binCount);
    writer.int2(steps.width);
    writer.int2(counts.width);
    writer.int2(outside.width);
    writer.bytea([steps.bytes]);
    writer.bytea([counts.bytes]);
    writer.bytea([outside.bytes]);
  }
  writer.copyTrailer();
  await client.query(new CopyIn(TARGET, writer.finish())).done;
}

/** Adds what is stored at the places; every one has a row. */
export async function addStoredSums(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  places: readonly BucketPlace[],
  sums: HistogramSums,
): Promise<void> {
  if (places.length === 0) return;
  const asked = places.map(({ level, bucket }) => `(${level}, ${bucket}::bigint)`).join(',');
  const sql = `SELECT kind, edges_hash, layer_offset, layer_count, bin_count, count_width, outside_width, counts, outside, step_width, steps
    FROM (VALUES ${asked}) AS asked (level, bucket) CROSS JOIN LATERAL (
      SELECT * FROM histogram_rollup AS stored WHERE run = '${runKey}' AND attempt = ${attempt}
        AND stored.level = asked.level AND stored.bucket = asked.bucket OFFSET 0) AS stored`;
  const onRow = (row: CopyRow): void => {
    sums.addSums({ ...partOf(row, 0), steps: unpackSums(row.bytes(10), row.int2(9)) });
  };
  await client.query(new CopyOut([{ sql, onRow }])).done;
}

/**
 * Adds the histograms of the steps, or of the named posts alone. What is hot came late, and
 * is added when its turn comes. Returns how many bytes of counts were read.
 */
export async function addStepHistograms(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  chosen: { readonly steps: readonly number[]; readonly posts?: readonly MovedPost[] },
  sums: HistogramSums,
): Promise<number> {
  if (chosen.steps.length === 0) return 0;
  let sizeBytes = 0;
  const posts = chosen.posts && new Set(chosen.posts.map((post) => keyOf(post)));
  const sql = `SELECT kind, edges_hash, layer_offset, layer_count, bin_count, count_width, outside_width, counts, outside, step
    FROM histogram_frame AS posted WHERE run = '${runKey}' AND attempt = ${attempt}
      AND step = ANY(ARRAY[${chosen.steps.join(',')}]::bigint[])
      AND NOT EXISTS (SELECT 1 FROM hot_frame WHERE run = '${runKey}' AND attempt = ${attempt}
        AND hot_frame.step = posted.step AND hot_frame.layer_offset = posted.layer_offset)
    ORDER BY step, layer_offset, kind`;
  const onRow = (row: CopyRow): void => {
    const step = row.int8(9);
    sizeBytes += row.bytes(7).length;
    const part = partOf(row, 0);
    if (posts?.has(keyOf({ step, layerOffset: part.layerOffset })) === false) return;
    sums.addStep(step, part);
  };
  await client.query(new CopyOut([{ sql, onRow }])).done;
  return sizeBytes;
}

function keyOf({ step, layerOffset }: MovedPost): string {
  return `${step}/${layerOffset}`;
}

function partOf(row: CopyRow, field: number): HistogramPart {
  const unpack = (bytes: Buffer, width: number): Uint32Array | Float64Array =>
    width === 8 ? unpackSums(bytes, width) : unpackColumn(bytes, width);
  return {
    kindId: row.int2(field),
    edgesHash: uuidText(row.uuid(field + 1)),
    layerOffset: row.int4(field + 2),
    layerCount: row.int4(field + 3),
    binCount: row.int4(field + 4),
    counts: unpack(row.bytes(field + 7), row.int2(field + 5)),
    outside: unpack(row.bytes(field + 8), row.int2(field + 6)),
  };
}
