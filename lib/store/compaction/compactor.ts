/** Compaction's own connection: units of work one after the other, none beside another. */
import type { StoreLogger } from '../store-logger';
import { WriterConnection } from '../writer-connection';
import { compactAttempt, type CompactionUnit } from './compact-attempt';
import type { AttemptId } from './compaction-state';
import { createBuffers } from './write-blocks';

export interface HotAttempt extends AttemptId {
  readonly hotRows: number;
  readonly hotBytes: number;
}

export interface Compactor {
  /** Which attempts have hot rows, and how many. Reads every hot row, not its values. */
  findHotAttempts(): Promise<HotAttempt[]>;
  /** One unit of an attempt's work; after a failure the next call connects anew. */
  compact(id: AttemptId, includesLate: boolean): Promise<CompactionUnit>;
  /** Gives back what is kept from unit to unit; the next one reads again what it needs. */
  releaseMemory(): void;
  close(): Promise<void>;
}

const HOT_ATTEMPTS = `
  SELECT run::text, attempt, count(*) AS rows, sum(octet_length("values")) AS bytes
  FROM hot_frame GROUP BY run, attempt`;

export function createCompactor(options: {
  readonly url: string;
  readonly logger: StoreLogger;
}): Compactor {
  const connection = new WriterConnection(options.url, options.logger, 'spikescope compaction');
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
    compact: (id, includesLate) =>
      use((client) => compactAttempt(client, id, { includesLate, buffers })),
    releaseMemory: () => {
      buffers = createBuffers();
    },
    close: () => connection.close(),
  };
}
