/**
 * Reads that belong together, on one connection and as of one moment: what is in blocks in
 * the one is in blocks in the other, and a step that came meanwhile is in none.
 */
import type { Pool, PoolClient } from 'pg';
import { AppError } from '../contract/app-error';
import { CopyOut, type CopyRow, type RowQuery } from './copy-binary';

/**
 * Streams rows in binary form and returns how many there were. COPY takes no parameters:
 * build SQL from numbers and keys of our own only.
 */
export interface RowReader {
  copyRows(sql: string, onRow: (row: CopyRow) => void): Promise<number>;
  /** The queries in their order, in one round trip. */
  copyAll(queries: readonly RowQuery[]): Promise<number>;
}

export type Snapshot = RowReader;

/** Sent with the first queries, so that it costs no round trip. A compiler would take longer than our reads. */
const BEGIN = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', 'SET LOCAL jit = off'];

export class PoolSnapshot implements Snapshot {
  #hasBegun = false;

  private constructor(private readonly client: PoolClient) {}

  static async during<Result>(
    pool: Pool,
    read: (snapshot: Snapshot) => Promise<Result>,
  ): Promise<Result> {
    const client = await pool.connect();
    const snapshot = new PoolSnapshot(client);
    try {
      const result = await read(snapshot);
      snapshot.#end();
      return result;
    } catch (error) {
      // What a caller can expect says nothing about the connection; anything else may.
      if (error instanceof AppError) snapshot.#end();
      else client.release(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  copyRows(sql: string, onRow: (row: CopyRow) => void): Promise<number> {
    return this.copyAll([{ sql, onRow }]);
  }

  async copyAll(queries: readonly RowQuery[]): Promise<number> {
    if (queries.length === 0) return 0;
    const copy = new CopyOut(queries, this.#hasBegun ? [] : BEGIN);
    this.#hasBegun = true;
    await this.client.query(copy).done;
    return copy.rowCount;
  }

  /** The answer does not wait for the transaction's end, the connection's next user does. */
  #end(): void {
    const { client } = this;
    if (!this.#hasBegun) {
      client.release();
      return;
    }
    client.query('COMMIT').then(
      () => {
        client.release();
      },
      (error: unknown) => {
        client.release(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }
}
