/** Raw samples of the steps around spikes: one row a post, a layer one slice of each tensor. */
import { SAMPLE_TYPES, type PostedSamples, type SampleType } from '../contract/frame';
import type { Database } from './database';
import { DELETING } from './runs/run-status';
import { segmentFilter } from './reading/segment-filter';
import type { Segment } from './runs/trajectory';

export interface SamplesToStore {
  readonly runKey: string;
  readonly attempt: number;
  readonly step: number;
  readonly layerOffset: number;
  readonly layerCount: number;
  readonly sampleCount: number;
  readonly gradient: PostedSamples;
  readonly firstMoment: PostedSamples;
  readonly secondMoment: PostedSamples;
}

export interface StoredSampleStep {
  readonly step: number;
  readonly layerCount: number;
  readonly sampleCount: number;
}

export interface StoredLayerSamples {
  readonly sampleCount: number;
  readonly gradient: PostedSamples;
  readonly firstMoment: PostedSamples;
  readonly secondMoment: PostedSamples;
}

/**
 * Stores the samples of one post; what is stored already stands.
 *
 * Returns  false, and nothing written, for a run that was deleted meanwhile: the row of the
 *          run is locked against that until the row is in
 */
export async function saveSamples(db: Database, samples: SamplesToStore): Promise<boolean> {
  const { gradient, firstMoment, secondMoment } = samples;
  const { rows } = await db.pool.query<{ found: boolean }>({
    name: 'save_samples',
    text: `WITH known AS (
        SELECT run FROM run WHERE run = $1 AND status <> '${DELETING}' FOR KEY SHARE
      ), added AS (
        INSERT INTO sample_frame (run, attempt, step, layer_offset, layer_count, sample_count,
          gradient_type, first_moment_type, second_moment_type, gradient, first_moment, second_moment)
        SELECT run, $2::int, $3::bigint, $4::int, $5::int, $6::int, $7, $8, $9, $10::bytea, $11::bytea, $12::bytea FROM known
        ON CONFLICT (run, attempt, step, layer_offset) DO NOTHING
      )
      SELECT EXISTS (SELECT FROM known) AS found`,
    values: [
      samples.runKey,
      samples.attempt,
      samples.step,
      samples.layerOffset,
      samples.layerCount,
      samples.sampleCount,
      gradient.type,
      firstMoment.type,
      secondMoment.type,
      asBuffer(gradient.bytes),
      asBuffer(firstMoment.bytes),
      asBuffer(secondMoment.bytes),
    ],
  });
  return rows[0]?.found === true;
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** What is known of a step whose samples come after it. */
export interface LateStep {
  readonly step: number;
  readonly isStored: boolean;
  /** Its samples from this offset on are stored. */
  readonly hasSamples: boolean;
  /** A spike of the kinds asked for has its onset near it. */
  readonly isNearSpike: boolean;
}

export interface LateSteps {
  /** Of the attempt; null before its first. */
  readonly newestStep: number | null;
  /** In the order asked for. */
  readonly steps: readonly LateStep[];
}

export interface LateStepsQuery {
  readonly runKey: string;
  readonly attempt: number;
  readonly layerOffset: number;
  readonly steps: readonly number[];
  readonly spikeKinds: readonly string[];
  /** How far an onset may lie, in steps. */
  readonly stepsAround: number;
}

/** Look-ups by primary key and by the onsets' index; no sample is read. */
export async function findLateSteps(db: Database, query: LateStepsQuery): Promise<LateSteps> {
  const { runKey, attempt, layerOffset, steps, spikeKinds, stepsAround } = query;
  const { rows } = await db.pool.query<{
    step: string;
    newest: string | null;
    stored: boolean;
    sampled: boolean;
    near: boolean;
  }>({
    name: 'find_late_steps',
    text: `SELECT asked.step,
        (SELECT step FROM step WHERE run = $1 AND attempt = $2 ORDER BY step DESC LIMIT 1) AS newest,
        EXISTS (SELECT FROM step WHERE run = $1 AND attempt = $2 AND step.step = asked.step) AS stored,
        EXISTS (SELECT FROM sample_frame WHERE run = $1 AND attempt = $2 AND sample_frame.step = asked.step
          AND layer_offset = $3) AS sampled,
        EXISTS (SELECT FROM spike WHERE run = $1 AND attempt = $2 AND kind = ANY($5::text[])
          AND onset_step BETWEEN asked.step - $6::bigint AND asked.step + $6::bigint) AS near
      FROM unnest($4::bigint[]) WITH ORDINALITY AS asked (step, place) ORDER BY place`,
    values: [runKey, attempt, layerOffset, steps, spikeKinds, stepsAround],
  });
  const newest = rows[0]?.newest ?? null;
  return {
    newestStep: newest === null ? null : Number(newest),
    steps: rows.map(({ step, stored, sampled, near }) => ({
      step: Number(step),
      isStored: stored,
      hasSamples: sampled,
      isNearSpike: near,
    })),
  };
}

/** The steps of a segment that have samples, ascending; a range of the primary key, no sample is read. */
export async function findSampleSteps(
  db: Database,
  runKey: string,
  segment: Segment,
): Promise<StoredSampleStep[]> {
  const steps: StoredSampleStep[] = [];
  await db.copyRows(
    `SELECT step, sum(layer_count), max(sample_count) FROM sample_frame
     WHERE ${segmentFilter(runKey, segment)} GROUP BY step ORDER BY step`,
    (row) => {
      steps.push({ step: row.int8(0), layerCount: row.int8(1), sampleCount: row.int4(2) });
    },
  );
  return steps;
}

const widthOf = (column: string): string => `CASE ${column}_type WHEN 'F32' THEN 4 ELSE 2 END`;
const sliceOf = (column: string, layer: number): string =>
  `substr(${column}, (${layer} - layer_offset) * sample_count * ${widthOf(column)} + 1, sample_count * ${widthOf(column)})`;

/** One layer's samples at one step of one attempt, of the first shard that has it; null for none. By primary key. */
export async function findLayerSamples(
  db: Database,
  runKey: string,
  attempt: number,
  step: number,
  layer: number,
): Promise<StoredLayerSamples | null> {
  let found: StoredLayerSamples | null = null;
  const index = Math.trunc(layer);
  await db.copyRows(
    `SELECT sample_count, gradient_type, first_moment_type, second_moment_type,
       ${sliceOf('gradient', index)}, ${sliceOf('first_moment', index)}, ${sliceOf('second_moment', index)}
     FROM sample_frame
     WHERE ${segmentFilter(runKey, { attempt, fromStep: step, toStep: step })}
       AND layer_offset <= ${index} AND layer_offset + layer_count > ${index}
     ORDER BY layer_offset LIMIT 1`,
    (row) => {
      const column = (at: number): PostedSamples => ({
        type: toSampleType(row.text(at)),
        bytes: Uint8Array.from(row.bytes(at + 3)),
      });
      found = {
        sampleCount: row.int4(0),
        gradient: column(1),
        firstMoment: column(2),
        secondMoment: column(3),
      };
    },
  );
  return found;
}

/** Throws on a text that no code writes. */
function toSampleType(text: string): SampleType {
  const type = SAMPLE_TYPES.find((known) => known === text);
  if (type === undefined) throw new Error(`${text} is no type of samples`);
  return type;
}
