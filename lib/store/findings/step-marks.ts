/** What detectors noted on single steps: stages that layers entered, and layers whose RMS began to spike. */
import { Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RowReader } from '../postgres/snapshot';
import type { Segment } from '../runs/trajectory';

export interface StageEntry {
  readonly layer: number;
  readonly stage: string;
}

/** By step. */
export interface StepMarks {
  readonly stages: ReadonlyMap<number, readonly StageEntry[]>;
  readonly rmsStarts: ReadonlyMap<number, readonly number[]>;
}

/**
 * Of a segment, those that are asked for. One round trip; ranges of primary keys, of stages one
 * a layer.
 */
export async function findStepMarks(
  reader: RowReader,
  runKey: string,
  segment: Segment,
  { stages, rmsSpikes }: { readonly stages: boolean; readonly rmsSpikes: boolean },
): Promise<StepMarks> {
  const found = { stages: new Map<number, StageEntry[]>(), rmsStarts: new Map<number, number[]>() };
  await reader.readAll([
    ...(stages ? [stagesQuery(runKey, segment, found.stages)] : []),
    ...(rmsSpikes ? [rmsQuery(runKey, segment, found.rmsStarts)] : []),
  ]);
  return found;
}

function stagesQuery(
  runKey: string,
  segment: Segment,
  stages: Map<number, StageEntry[]>,
): PreparedQuery {
  const p = new Parameters();
  return {
    sql: `SELECT from_step, layer, stage FROM stage_interval
      WHERE ${rangeOf(p, runKey, segment, 'from_step')} ORDER BY from_step, layer`,
    values: p.values,
    onRow: (row) => {
      add(stages, row.int8(0), { layer: row.int4(1), stage: row.text(2) });
    },
  };
}

function rmsQuery(runKey: string, segment: Segment, starts: Map<number, number[]>): PreparedQuery {
  const p = new Parameters();
  return {
    sql: `SELECT step, unnest(layers) FROM rms_spike_step
      WHERE ${rangeOf(p, runKey, segment, 'step')} ORDER BY step`,
    values: p.values,
    onRow: (row) => {
      add(starts, row.int8(0), row.int4(1));
    },
  };
}

function rangeOf(
  p: Parameters,
  runKey: string,
  { attempt, fromStep, toStep }: Segment,
  column: 'step' | 'from_step',
): string {
  return `run = ${p.uuid(runKey)} AND attempt = ${p.integer('int', attempt)}
    AND ${column} BETWEEN ${p.integer('bigint', fromStep)} AND ${p.integer('bigint', toStep)}`;
}

function add<Value>(byStep: Map<number, Value[]>, step: number, value: Value): void {
  const known = byStep.get(step);
  if (known === undefined) byStep.set(step, [value]);
  else known.push(value);
}
