/**
 * Statements with parameters whose rows come in binary form, as many as belong together in
 * one round trip. Each text is prepared once a connection: planning takes the server as long
 * as answering a small read does.
 *
 * A row in the binary format is laid out as one of a binary COPY, so a `CopyRow` reads it.
 * node-postgres itself cannot: it makes text of bytea in that format.
 *
 * Source: postgresql.org, "Extended Query"; "Message Formats", DataRow.
 */
import type { Connection } from 'pg';
import { CopyRow, SettledQuery } from './copy-binary';
import { takeMessages } from './copy-messages';
import { QueryMessages } from './query-messages';

/** One statement, its parameters in PostgreSQL's text form, and who takes its rows. */
export interface PreparedQuery {
  readonly sql: string;
  readonly values: readonly string[];
  /** The row is valid during the call alone. */
  readonly onRow: (row: CopyRow) => void;
}

/**
 * Texts kept prepared on a connection. The reads of the product have a few dozen; what a
 * caller makes up anew each time is parsed each time.
 */
const MAX_PREPARED = 200;

/** Of all reads: each is laid out and sent in one go. */
const MESSAGES = new QueryMessages();

/** By connection: the names of texts that are prepared there. */
const prepared = new WeakMap<Connection, Map<string, string>>();

/** Answers in the order of the queries. After a failure the connection must be closed. */
export class PreparedRead extends SettledQuery {
  readonly #row = new CopyRow();
  #current = 0;
  rowCount = 0;

  constructor(private readonly queries: readonly PreparedQuery[]) {
    super();
  }

  submit(connection: Connection): void {
    takeMessages(connection, {
      rowType: 'data',
      onRow: (buffer, start) => {
        this.#takeRow(buffer, start);
      },
      onCommandComplete: () => {
        this.#current++;
      },
    });
    const names = prepared.get(connection) ?? new Map<string, string>();
    prepared.set(connection, names);
    for (const { sql, values } of this.queries) {
      let name = names.get(sql);
      if (name === undefined) {
        name = names.size < MAX_PREPARED ? `read_${names.size}` : '';
        if (name !== '') names.set(sql, name);
        MESSAGES.parse(name, sql);
      }
      MESSAGES.execute(name, values);
    }
    MESSAGES.sync();
    connection.stream.write(MESSAGES.take());
  }

  #takeRow(buffer: Buffer, start: number): void {
    if (this.failure !== null) return;
    this.rowCount++;
    try {
      this.#row.locate(buffer, start);
      this.queries[this.#current]?.onRow(this.#row);
    } catch (error) {
      // Thrown into the socket's event it would end the process; the rest is read and dropped.
      this.failure = error instanceof Error ? error : new Error(String(error));
    }
  }
}
