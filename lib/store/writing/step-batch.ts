/** What steps say besides their layers: one row a step, merged over its shards. */
import type { Client } from 'pg';
import { arrayParameter } from '../postgres/binary-writer';
import { idOf, type BatchEntry } from './frame-entry';
import type { RunNames } from './metric-registry';

interface StepRow {
  readonly runBytes: Buffer;
  readonly attempt: number;
  readonly step: number;
  loss: number | null;
  learningRate: number | null;
  gradientNorm: number | null;
  wallTime: number | null;
  readonly custom: Map<number, number>;
}

/** Scalars with a column of their own; all others go into the arrays. */
const COLUMN_OF_SCALAR = {
  loss: 'loss',
  learning_rate: 'learningRate',
  gradient_norm: 'gradientNorm',
} as const;

export type ScalarWithColumn = keyof typeof COLUMN_OF_SCALAR;

export function hasScalarColumn(name: string): name is ScalarWithColumn {
  return Object.hasOwn(COLUMN_OF_SCALAR, name);
}

/** JavaScript writes −0 without its sign. */
function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : `${value}`;
}

/** One row a step; of each scalar the first entry's value. */
function mergeShards(
  entries: readonly BatchEntry[],
  names: ReadonlyMap<string, RunNames>,
): StepRow[] {
  const rows = new Map<string, StepRow>();
  for (const { runKey, runBytes, attempt, frame } of entries) {
    const key = `${runKey}/${attempt}/${frame.step}`;
    const row = rows.get(key) ?? {
      runBytes,
      attempt,
      step: frame.step,
      loss: null,
      learningRate: null,
      gradientNorm: null,
      wallTime: null,
      custom: new Map<number, number>(),
    };
    rows.set(key, row);
    row.wallTime ??= frame.wallTime;
    for (const [name, value] of frame.scalars) {
      if (hasScalarColumn(name)) {
        row[COLUMN_OF_SCALAR[name]] ??= value;
        continue;
      }
      const id = idOf(names.get(runKey)?.scalar, name);
      if (!row.custom.has(id)) row.custom.set(id, value);
    }
  }
  return [...rows.values()];
}

/**
 * Writes the steps of `entries`. A later shard adds what is missing: columns keep their
 * first value, custom scalars are appended, and a reader takes the first of each id. Where
 * it brings nothing new (every rank posts the same scalars), the row is left alone.
 */
export async function upsertSteps(
  client: Client,
  entries: readonly BatchEntry[],
  names: ReadonlyMap<string, RunNames>,
): Promise<void> {
  const rows = mergeShards(entries, names);
  if (rows.length === 0) return;
  const numbers = (read: (row: StepRow) => number | null): Buffer =>
    arrayParameter('float8', rows.length, (writer, index) => {
      const row = rows[index];
      writer.float8(row === undefined ? null : read(row));
    });
  const integers = (type: 'int4' | 'int8', read: (row: StepRow) => number): Buffer =>
    arrayParameter(type, rows.length, (writer, index) => {
      const row = rows[index];
      writer[type](row === undefined ? 0 : read(row));
    });
  await client.query({
    name: 'upsert_steps',
    // Ragged arrays cannot be unnested as arrays: they travel as text, one literal a row.
    text: `INSERT INTO step (run, attempt, step, loss, learning_rate, gradient_norm, wall_time, scalar_ids, scalar_values)
      SELECT run, attempt, step, loss, learning_rate, gradient_norm, wall_time, ids::smallint[], vals::float8[]
      FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[], $7::float8[], $8::text[], $9::text[])
        AS new (run, attempt, step, loss, learning_rate, gradient_norm, wall_time, ids, vals)
      ON CONFLICT (run, attempt, step) DO UPDATE SET
        loss = coalesce(step.loss, excluded.loss),
        learning_rate = coalesce(step.learning_rate, excluded.learning_rate),
        gradient_norm = coalesce(step.gradient_norm, excluded.gradient_norm),
        wall_time = coalesce(step.wall_time, excluded.wall_time),
        scalar_ids = step.scalar_ids || excluded.scalar_ids,
        scalar_values = step.scalar_values || excluded.scalar_values
      WHERE (step.loss IS NULL AND excluded.loss IS NOT NULL)
        OR (step.learning_rate IS NULL AND excluded.learning_rate IS NOT NULL)
        OR (step.gradient_norm IS NULL AND excluded.gradient_norm IS NOT NULL)
        OR (step.wall_time IS NULL AND excluded.wall_time IS NOT NULL)
        OR NOT step.scalar_ids @> excluded.scalar_ids`,
    values: [
      arrayParameter('uuid', rows.length, (writer, index) =>
        writer.uuid(rows[index]?.runBytes ?? Buffer.alloc(16)),
      ),
      integers('int4', ({ attempt }) => attempt),
      integers('int8', ({ step }) => step),
      numbers(({ loss }) => loss),
      numbers(({ learningRate }) => learningRate),
      numbers(({ gradientNorm }) => gradientNorm),
      numbers(({ wallTime }) => wallTime),
      rows.map(({ custom }) => `{${[...custom.keys()].join(',')}}`),
      rows.map(({ custom }) => `{${Array.from(custom.values(), floatText).join(',')}}`),
    ],
  });
}
