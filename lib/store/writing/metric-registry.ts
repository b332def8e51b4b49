/**
 * The small integers that stand for metric names inside frames, made on demand. A name's
 * number is for ever; numbers are handed out under a lock of the run's row, in a
 * transaction of their own, before the frames that need them are written: a frame that
 * then fails leaves a name without values, which harms nobody.
 */
import type { Client } from 'pg';
import { AppError } from '../../contract/app-error';
import type { Frame } from '../../contract/frame';
import { MAX_METRICS_PER_RUN } from '../../contract/identifiers';

export type MetricKind = 'scalar' | 'layer' | 'histogram';

/** Runs whose names are kept in memory; a run that posts again after falling out is read again. */
const MAX_CACHED_RUNS = 4096;

export interface RunNames {
  readonly scalar: Map<string, number>;
  readonly layer: Map<string, number>;
  readonly histogram: Map<string, number>;
  /** Edges known to be stored, by hash. */
  readonly edges: Set<string>;
  /** When the run was created: a run deleted and made anew has other numbers. */
  readonly createdAt: string;
}

function namesOf(frame: Frame): readonly (readonly [MetricKind, Iterable<string>])[] {
  return [
    ['scalar', frame.scalars.keys()],
    ['layer', frame.layerMetrics.keys()],
    ['histogram', frame.histograms.keys()],
  ];
}

function missingNames(frame: Frame, names: RunNames): { kind: MetricKind; name: string }[] {
  const missing: { kind: MetricKind; name: string }[] = [];
  for (const [kind, keys] of namesOf(frame)) {
    for (const name of keys) if (!names[kind].has(name)) missing.push({ kind, name });
  }
  return missing;
}

export class MetricRegistry {
  readonly #runs = new Map<string, RunNames>();

  get(runKey: string): RunNames | null {
    return this.#runs.get(runKey) ?? null;
  }

  forget(runKey: string): void {
    this.#runs.delete(runKey);
  }

  /**
   * Sees to it that every name of `frames`, all of one run, has its number. A frame whose
   * names do not all fit under the limit gets an AppError and registers none of them.
   *
   * Throws  AppError `run_not_found`
   */
  async ensure(
    client: Client,
    runKey: string,
    frames: readonly Frame[],
  ): Promise<(AppError | null)[]> {
    const known = this.#runs.get(runKey);
    if (known !== undefined && frames.every((frame) => missingNames(frame, known).length === 0)) {
      return frames.map(() => null);
    }
    await client.query('BEGIN');
    try {
      const names = await readNames(client, runKey);
      const added: { kind: MetricKind; name: string; id: number }[] = [];
      const faults = frames.map((frame) => addNames(frame, names, added));
      if (added.length > 0) {
        await client.query(
          `INSERT INTO metric (run, kind, metric, name)
           SELECT $1::uuid, * FROM unnest($2::text[], $3::int[], $4::text[])`,
          [
            runKey,
            added.map(({ kind }) => kind),
            added.map(({ id }) => id),
            added.map(({ name }) => name),
          ],
        );
      }
      await client.query('COMMIT');
      this.#remember(runKey, names);
      return faults;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  #remember(runKey: string, names: RunNames): void {
    this.#runs.delete(runKey);
    this.#runs.set(runKey, names);
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= MAX_CACHED_RUNS) break;
      this.#runs.delete(oldest);
    }
  }
}

async function readNames(client: Client, runKey: string): Promise<RunNames> {
  const run = await client.query<{ created_at: string }>(
    'SELECT created_at::text FROM run WHERE run = $1 FOR NO KEY UPDATE',
    [runKey],
  );
  const createdAt = run.rows[0]?.created_at;
  if (createdAt === undefined) throw new AppError('run_not_found', 'the run was deleted');
  const names: RunNames = {
    scalar: new Map(),
    layer: new Map(),
    histogram: new Map(),
    edges: new Set(),
    createdAt,
  };
  const { rows } = await client.query<{ kind: MetricKind; metric: number; name: string }>(
    'SELECT kind, metric, name FROM metric WHERE run = $1',
    [runKey],
  );
  for (const { kind, metric, name } of rows) names[kind].set(name, metric);
  return names;
}

function addNames(
  frame: Frame,
  names: RunNames,
  added: { kind: MetricKind; name: string; id: number }[],
): AppError | null {
  const missing = missingNames(frame, names);
  for (const [kind] of namesOf(frame)) {
    const wanted = missing.filter((entry) => entry.kind === kind).length;
    if (wanted > 0 && names[kind].size + wanted > MAX_METRICS_PER_RUN) {
      return new AppError(
        'too_many_metrics',
        `expected at most ${MAX_METRICS_PER_RUN} different ${kind} names in a run; it has ${names[kind].size} and step ${frame.step} brings ${wanted} more`,
      );
    }
  }
  for (const { kind, name } of missing) {
    // Numbers are handed out from 0 without gaps, so the size is the next one.
    const id = names[kind].size;
    names[kind].set(name, id);
    added.push({ kind, name, id });
  }
  return null;
}
