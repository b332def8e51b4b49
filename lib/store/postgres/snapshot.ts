/**
 * Reads that belong together, on one connection and as of one moment: what is in blocks in
 * the one is in blocks in the other, and a step that came meanwhile is in none.
 */
import type { Pool, PoolClient } from 'pg';
import { AppError } from '../../contract/app-error';
import { CopyOut, type CopyRow, type RowQuery } from './copy-binary';
import { type PreparedQuery, PreparedRead } from './prepared-read';

/** Reads rows in binary form, and returns how many there were. */
export interface RowReader {
  /** Statements with parameters, answered in their order, in one round trip. */
  readAll(queries: readonly PreparedQuery[]): Promise<number>;
  /** By COPY, which takes no parameters: build `sql` from numbers and keys of our own only. */
  copyRows(sql: string, onRow: (row: CopyRow) => void): Promise<number>;
  /** The same of several, in one round trip. */
  copyAll(queries: readonly RowQuery[]): Promise<number>;
}

export type Snapshot = RowReader;

/** Sent with the first queries, so that it costs no round trip. */
const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
/**
 * Reads are keyed and joined laterally, so that there is one good plan whatever the values
 * and however small a table was when it was made: by index. Planning again, or compiling,
 * would take longer than the reads do.
 */
const SETTINGS = `SELECT set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`;

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

  async readAll(queries: readonly PreparedQuery[]): Promise<number> {
    if (queries.length === 0) return 0;
    const before = this.#hasBegun ? [] : [BEGIN, SETTINGS];
    this.#hasBegun = true;
    const read = new PreparedRead([
      ...before.map((sql) => ({ sql, values: [], onRow: () => undefined })),
      ...queries,
    ]);
    await this.client.query(read).done;
    // The settings come with a row.
    return read.rowCount - Math.min(before.length, 1);
  }

  copyRows(sql: string, onRow: (row: CopyRow) => void): Promise<number> {
    return this.copyAll([{ sql, onRow }]);
  }

  async copyAll(queries: readonly RowQuery[]): Promise<number> {
    if (queries.length === 0) return 0;
    const copy = new CopyOut(queries, this.#hasBegun ? [] : [BEGIN, 'SET LOCAL jit = off']);
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
