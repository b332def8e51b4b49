/** Reads what steps say besides their layers, from rollups where they hold a whole bucket. */
import { decodeScalarRollup, SCALAR_ROLLUP_COLUMNS } from '../compaction/block-rows';
import { toSteps, toUint8 } from '../compaction/packed-arrays';
import type { ScalarRollup } from '../compaction/scalar-rollup';
import type { CopyRow } from '../postgres/copy-binary';
import type { StepSpan } from './cover';
import { type AskedSpan, CoveredScan, slotsOf, spanRelation } from './covered-scan';
import { Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import { type ScalarColumn, selectScalars } from './scan-steps';
import type { ScannedStep, StepPlace, WindowPart } from './step-window';

/** What a bucket of steps says of one scalar; `finite + nonFinite` > 0. */
export interface ScalarSummary {
  readonly finite: number;
  readonly nonFinite: number;
  /** Over the finite values; without meaning where there is none. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** The value at the highest step that has one, finite or not. */
  readonly last: number;
}

export interface ScalarSink {
  /** One reported step. Its values are in the order of the columns; valid during the call. */
  addStep(reported: ScannedStep): void;
  /** Reported steps `firstStep`…`lastStep` of one bucket, with others between them or none. */
  addSteps(firstStep: number, lastStep: number): void;
  /** What those say of the scalar at `position` of the columns. */
  addSummary(position: number, place: StepPlace, summary: ScalarSummary): void;
}

export interface ScalarScanQuery {
  readonly runKey: string;
  readonly parts: readonly WindowPart[];
  readonly topLevel: number;
  readonly columns: readonly ScalarColumn[];
  /** Steps whose buckets, on the multiples of this, are the same need not be told apart. */
  readonly bucketSteps: number;
}

/** Each reported step of the parts goes to `sink` once, by itself or in a bucket. */
export class ScalarScan extends CoveredScan {
  readonly #runKey: string;
  readonly #columns: readonly ScalarColumn[];
  readonly #bucketSteps: number;
  readonly #sink: ScalarSink;

  constructor(
    { runKey, parts, topLevel, columns, bucketSteps }: ScalarScanQuery,
    sink: ScalarSink,
  ) {
    super(parts, topLevel);
    this.#runKey = runKey;
    this.#columns = columns;
    this.#bucketSteps = bucketSteps;
    this.#sink = sink;
  }

  protected rollupOf(p: Parameters): string {
    return `scalar_rollup WHERE run = ${p.uuid(this.#runKey)}`;
  }

  protected levelsOf({ scalarLevels }: WindowPart): ReadonlySet<number> {
    return scalarLevels;
  }

  /** A late post may have added to a step what its rollups do not know. */
  protected staleStepsOf({ lateSteps }: WindowPart): readonly number[] {
    return lateSteps;
  }

  /** What steps say is kept for as long as the run is. */
  protected gapsOf(): readonly StepSpan[] {
    return [];
  }

  protected rowsQuery(p: Parameters, keys: string): PreparedQuery {
    // Who asks for no scalars wants the steps alone, an eighth of a row.
    const isStepsAlone = this.#columns.length === 0;
    return {
      sql: `SELECT rollup.*, asked.attempt FROM ${keys} CROSS JOIN LATERAL (
          SELECT ${isStepsAlone ? 'level, block, bucket_slots, steps' : SCALAR_ROLLUP_COLUMNS}
          FROM ${this.rollupOf(p)} AND attempt = asked.attempt AND level = asked.level
            AND block = asked.block OFFSET 0) AS rollup`,
      values: p.values,
      onRow: (row) => {
        const attempt = row.int4(isStepsAlone ? 4 : 10);
        const scalars = isStepsAlone ? null : decodeScalarRollup(row).rollup;
        const { slots, firstSteps, lastSteps } = scalars ?? decodeSteps(row);
        for (const piece of this.takeRow(attempt, row.int2(0), row.int8(1)).pieces) {
          const { from, end } = slotsOf(slots, piece);
          for (let slot = from; slot < end; slot++) {
            this.#sink.addSteps(firstSteps[slot] ?? 0, lastSteps[slot] ?? 0);
            if (scalars !== null) this.#addScalars(attempt, scalars, slot);
          }
        }
      },
    };
  }

  #addScalars(attempt: number, rollup: ScalarRollup, slot: number): void {
    const firstStep = rollup.firstSteps[slot] ?? 0;
    for (let position = 0; position < this.#columns.length; position++) {
      const column = this.#columns[position] ?? null;
      const scalar = column === null ? -1 : rollup.scalarIds.indexOf(column.id);
      if (scalar < 0) continue;
      const cell = scalar * rollup.slots.length + slot;
      const finite = rollup.finite[cell] ?? 0;
      const nonFinite = rollup.nonFinite[cell] ?? 0;
      if (finite + nonFinite === 0) continue;
      this.#sink.addSummary(
        position,
        { attempt, step: firstStep },
        {
          finite,
          nonFinite,
          min: rollup.minimum[cell] ?? NaN,
          max: rollup.maximum[cell] ?? NaN,
          mean: rollup.mean[cell] ?? NaN,
          last: rollup.last[cell] ?? NaN,
        },
      );
    }
  }

  protected spansQueries(spans: readonly AskedSpan[]): PreparedQuery[] {
    if (spans.length === 0) return [];
    if (this.#columns.length === 0) return [this.#extentsQuery(spans)];
    const p = new Parameters();
    const list = selectScalars(p, this.#columns);
    const values: (number | null)[] = this.#columns.map(() => null);
    return [
      {
        sql: `SELECT asked.attempt, reported.* FROM ${spanRelation(p, spans)}
          CROSS JOIN LATERAL (SELECT step${list} FROM step WHERE run = ${p.uuid(this.#runKey)}
            AND attempt = asked.attempt AND step >= asked.from_step AND step < asked.end_step
            ORDER BY step) AS reported`,
        values: p.values,
        onRow: (row) => {
          for (let index = 0; index < values.length; index++) values[index] = row.float8(index + 2);
          this.#sink.addStep({ attempt: row.int4(0), step: row.int8(1), values });
        },
      },
    ];
  }

  /** The first and last step of each bucket: a row a bucket where a row a step is not needed. */
  #extentsQuery(spans: readonly AskedSpan[]): PreparedQuery {
    const p = new Parameters();
    return {
      sql: `SELECT min(reported.step), max(reported.step) FROM ${spanRelation(p, spans)}
        CROSS JOIN LATERAL (SELECT step FROM step WHERE run = ${p.uuid(this.#runKey)}
          AND attempt = asked.attempt AND step >= asked.from_step AND step < asked.end_step
          OFFSET 0) AS reported
        GROUP BY asked.attempt, reported.step / ${p.integer('bigint', this.#bucketSteps)}`,
      values: p.values,
      onRow: (row) => {
        this.#sink.addSteps(row.int8(0), row.int8(1));
      },
    };
  }

  finish(): void {
    // Everything went to the sink as it came.
  }
}

/** The reported steps of a row's buckets. */
function decodeSteps(row: CopyRow): Pick<ScalarRollup, 'slots' | 'firstSteps' | 'lastSteps'> {
  const slots = toUint8(row.bytes(2));
  const steps = toSteps(row.bytes(3));
  return {
    slots,
    firstSteps: steps.subarray(0, slots.length),
    lastSteps: steps.subarray(slots.length),
  };
}
