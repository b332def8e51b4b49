/** Compaction's own connection: units of work one after the other, none beside another. */
import type { Released } from '../retention/retain-run';
import { retainProjects } from '../retention/retain-projects';
import { DELETING } from '../runs/run-status';
import type { StoreLogger } from '../store-logger';
import { WriterConnection } from '../writing/writer-connection';
import { compactAttempt, type CompactionUnit } from './compact-attempt';
import type { AttemptId } from './compaction-state';
import { HotVacuum } from './hot-vacuum';
import { roundAttempt, type RoundingUnit } from './round-attempt';
import { createBuffers } from './write-blocks';

export interface HotAttempt extends AttemptId {
  readonly hotRows: number;
  readonly hotBytes: number;
}

/** An attempt with blocks that its project wants rounded. */
export interface RoundingTask extends AttemptId {
  readonly receivedBefore: Date;
}

export interface Compactor {
  /**
   * Which attempts have hot rows, and how many, or histograms that are not summed up yet.
   * Reads every hot row, not its values.
   */
  findHotAttempts(): Promise<HotAttempt[]>;
  /** One unit of an attempt's work; after a failure the next call connects anew. */
  compact(id: AttemptId, includesLate: boolean): Promise<CompactionUnit>;
  /** Attempts whose next blocks are as old as their project's policy says. One key a run and attempt. */
  findRoundable(now: Date): Promise<RoundingTask[]>;
  /** One unit of an attempt's rounding; after a failure the next call connects anew. */
  round(task: RoundingTask): Promise<RoundingUnit>;
  /** What policies do not keep goes, a transaction a turn; after a failure it is to be begun anew. */
  retain(now: Date): AsyncGenerator<Released | null, void>;
  /** Gives back what is kept from unit to unit; the next one reads again what it needs. */
  releaseMemory(): void;
  close(): Promise<void>;
}

const HOT_ATTEMPTS = `
  SELECT run::text, attempt, sum(rows) AS rows, sum(bytes) AS bytes FROM (
    SELECT run, attempt, count(*) AS rows, sum(octet_length("values")) AS bytes
    FROM hot_frame GROUP BY run, attempt
    UNION ALL SELECT run, attempt, 0, 0 FROM compaction_state WHERE histograms_to < blocks_to
  ) AS waiting GROUP BY run, attempt`;

/** The age is that of the next step; of what is behind it the unit decides. */
const ROUNDABLE = `
  SELECT run, attempt, received_before FROM (
    SELECT state.run::text, state.attempt, next.received_at,
      $1::timestamptz - make_interval(days => project.round_after_days) AS received_before
    FROM project JOIN run ON run.project = project.name AND run.status <> '${DELETING}'
    JOIN compaction_state AS state ON state.run = run.run AND state.rounded_to < state.blocks_to
    LEFT JOIN LATERAL (
      SELECT received_at FROM step WHERE step.run = state.run AND step.attempt = state.attempt
        AND step.step >= state.rounded_to AND step.step < state.blocks_to
      ORDER BY step.step LIMIT 1) AS next ON true
    WHERE project.round_after_days IS NOT NULL
  ) AS attempt WHERE received_at IS NULL OR received_at < received_before`;

export function createCompactor(options: {
  readonly url: string;
  readonly logger: StoreLogger;
}): Compactor {
  const connection = new WriterConnection(options.url, options.logger, 'spikescope compaction');
  const vacuum = new HotVacuum(options);
  let buffers = createBuffers();

  async function use<Result>(
    work: (client: Awaited<ReturnType<WriterConnection['client']>>) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work(await connection.client());
    } catch (error) {
      // Whatever state it is in: its transaction ends with it.
      await connection.discard();
      throw error;
    }
  }

  return {
    findHotAttempts: () =>
      use(async (client) => {
        const { rows } = await client.query<{
          run: string;
          attempt: number;
          rows: string;
          bytes: string;
        }>(HOT_ATTEMPTS);
        return rows.map((row) => ({
          runKey: row.run,
          attempt: row.attempt,
          hotRows: Number(row.rows),
          hotBytes: Number(row.bytes),
        }));
      }),
    compact: async (id, includesLate) => {
      const unit = await use((client) => compactAttempt(client, id, { includesLate, buffers }));
      vacuum.noteRemoved(unit.hotBytes);
      return unit;
    },
    findRoundable: (now) =>
      use(async (client) => {
        const { rows } = await client.query<{
          run: string;
          attempt: number;
          received_before: Date;
        }>(ROUNDABLE, [now]);
        return rows.map(({ run, attempt, received_before: receivedBefore }) => ({
          runKey: run,
          attempt,
          receivedBefore,
        }));
      }),
    round: ({ receivedBefore, ...id }) =>
      use((client) => roundAttempt(client, id, { receivedBefore })),
    retain: (now) => retainProjects(use, now),
    releaseMemory: () => {
      buffers = createBuffers();
      vacuum.noteRest();
    },
    async close() {
      await vacuum.close();
      await connection.close();
    },
  };
}
