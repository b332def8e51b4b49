/**
 * COPY in PostgreSQL's binary format, both ways, on node-postgres' own connection.
 *
 * The server sends one message a row, and a `CopyRow` reads values out of the receive buffer,
 * so that a row costs no object and a value no copy. The row is valid only during the call
 * that receives it.
 *
 * Source: postgresql.org, "COPY", binary format; "Message Formats", CopyData.
 */
import type { Connection, Submittable } from 'pg';
import { takeMessages } from './copy-messages';

/** Signature, flags and header extension of a binary COPY without OIDs. */
export const COPY_HEADER = Buffer.concat([
  Buffer.from('PGCOPY\n\u00ff\r\n\0', 'latin1'),
  Buffer.alloc(8),
]);
const NO_MORE_ROWS = -1;

/** The values of one row. Offsets are counted from 0; an SQL NULL has the length -1. */
export class CopyRow {
  #buffer: Buffer = Buffer.alloc(0);
  #position = 0;
  #end = 0;
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];

  /** Points this row at the tuple that begins at `position`. */
  locate(buffer: Buffer, position: number): void {
    this.#buffer = buffer;
    this.#position = position;
    const fieldCount = buffer.readInt16BE(position);
    let at = position + 2;
    for (let field = 0; field < fieldCount; field++) {
      const length = buffer.readInt32BE(at);
      this.#starts[field] = at + 4;
      this.#lengths[field] = length;
      at += 4 + Math.max(0, length);
    }
    this.#end = at;
  }

  /** The row as it came, to be kept: another `CopyRow` may be pointed at its beginning. */
  copy(): Buffer {
    return Buffer.from(this.#buffer.subarray(this.#position, this.#end));
  }

  #start(field: number): number {
    const start = this.#starts[field];
    if (start === undefined) throw new RangeError(`the row has no field ${field}`);
    return start;
  }

  isNull(field: number): boolean {
    return this.#lengths[field] === -1;
  }

  /** A bigint column as a number: steps and counts are safe integers by contract. */
  int8(field: number): number {
    const start = this.#start(field);
    return this.#buffer.readInt32BE(start) * 0x1_0000_0000 + this.#buffer.readUInt32BE(start + 4);
  }

  int4(field: number): number {
    return this.#buffer.readInt32BE(this.#start(field));
  }

  int2(field: number): number {
    return this.#buffer.readInt16BE(this.#start(field));
  }

  /** A float8 column; null for SQL NULL, which is "not reported". */
  float8(field: number): number | null {
    return this.isNull(field) ? null : this.#buffer.readDoubleBE(this.#start(field));
  }

  /** A view, gone after the call: copy what is kept. Empty for SQL NULL. */
  bytes(field: number): Buffer {
    const start = this.#start(field);
    return this.#buffer.subarray(start, start + Math.max(0, this.#lengths[field] ?? 0));
  }

  text(field: number): string {
    return this.bytes(field).toString('utf8');
  }

  uuid(field: number): Buffer {
    return this.bytes(field);
  }

  /** A one-dimensional smallint array. */
  int2Array(field: number): number[] {
    return this.#array(field, 2, (at) => this.#buffer.readInt16BE(at));
  }

  /** A one-dimensional float8 array without NULLs. */
  float8Array(field: number): number[] {
    return this.#array(field, 8, (at) => this.#buffer.readDoubleBE(at));
  }

  /** A one-dimensional bigint array of steps, which are safe integers by contract. */
  int8Array(field: number): number[] {
    return this.#array(
      field,
      8,
      (at) => this.#buffer.readInt32BE(at) * 0x1_0000_0000 + this.#buffer.readUInt32BE(at + 4),
    );
  }

  #array(field: number, width: number, read: (at: number) => number): number[] {
    const start = this.#start(field);
    // Dimensions, has-null flag, element type; then length and lower bound; then elements.
    if (this.#buffer.readInt32BE(start) === 0) return [];
    const length = this.#buffer.readInt32BE(start + 12);
    return Array.from({ length }, (_, index) => read(start + 20 + index * (width + 4) + 4));
  }
}

/** One settled promise and the first error. */
export abstract class SettledQuery implements Submittable {
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #isSettled = false;
  protected failure: Error | null = null;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  abstract submit(connection: Connection): void;

  handleError(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
    // The client forgets a failed query, so no ReadyForQuery will come here.
    this.#settle();
  }

  handleReadyForQuery(): void {
    this.#settle();
  }

  handleCommandComplete(): void {
    // The transaction's state follows with ReadyForQuery.
  }

  handleEmptyQuery(): void {
    this.failure ??= new Error('the statement is empty');
  }

  #settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if (this.failure === null) this.#resolve();
    else this.#reject(this.failure);
  }
}

/** Shared by both directions. */
abstract class CopyQuery extends SettledQuery {
  constructor(private readonly sql: string) {
    super();
  }

  submit(connection: Connection): void {
    connection.query(this.sql);
  }

  handleRowDescription(): void {
    this.failure ??= new Error('the statement is not a COPY');
  }

  handleDataRow(): void {
    this.failure ??= new Error('the statement is not a COPY');
  }
}

/** One SELECT and who takes its rows. */
export interface RowQuery {
  readonly sql: string;
  /** COPY takes no parameters. */
  readonly values?: never;
  /** The row is valid during the call alone. */
  readonly onRow: (row: CopyRow) => void;
}

/**
 * SELECTs in one message, so in one round trip, each as `COPY (SELECT …) TO STDOUT (FORMAT
 * binary)`. Rows come in the order of the queries. `statements` go before them and return
 * nothing, as BEGIN does.
 */
export class CopyOut extends CopyQuery {
  readonly #row = new CopyRow();
  #isHeaderRead = false;
  /** Which query is answered; negative during `statements`. */
  #current: number;
  rowCount = 0;

  constructor(
    private readonly queries: readonly RowQuery[],
    statements: readonly string[] = [],
  ) {
    const copies = queries.map(({ sql }) => `COPY (${sql}) TO STDOUT (FORMAT binary)`);
    super([...statements, ...copies].join(';'));
    this.#current = -statements.length;
  }

  override submit(connection: Connection): void {
    takeMessages(connection, {
      rowType: 'copy',
      onRow: (buffer, start, end) => {
        this.#takeData(buffer, start, end);
      },
      onCommandComplete: () => {
        this.#current++;
        this.#isHeaderRead = false;
      },
    });
    super.submit(connection);
  }

  #takeData(buffer: Buffer, start: number, end: number): void {
    if (this.failure !== null) return;
    let position = start;
    if (!this.#isHeaderRead) {
      this.#isHeaderRead = true;
      position += COPY_HEADER.length + buffer.readInt32BE(start + COPY_HEADER.length - 4);
    }
    if (position >= end || buffer.readInt16BE(position) === NO_MORE_ROWS) return;
    this.rowCount++;
    try {
      this.#row.locate(buffer, position);
      this.queries[this.#current]?.onRow(this.#row);
    } catch (error) {
      // Thrown into the socket's event it would end the process; the rest is read and dropped.
      this.failure = error instanceof Error ? error : new Error(String(error));
    }
  }
}

/**
 * `COPY table (…) FROM STDIN (FORMAT binary)` with rows that are laid out already, in one
 * buffer or in pieces, which need not end where rows do.
 */
export class CopyIn extends CopyQuery {
  readonly #pieces: readonly Uint8Array[];

  constructor(target: string, rows: Uint8Array | readonly Uint8Array[]) {
    super(`COPY ${target} FROM STDIN (FORMAT binary)`);
    this.#pieces = rows instanceof Uint8Array ? [rows] : rows;
  }

  handleCopyInResponse(connection: Connection): void {
    const { stream } = connection;
    stream.cork();
    for (const piece of this.#pieces) {
      // CopyData: type, length with itself, payload; written apart, so the payload is not copied.
      const head = Buffer.alloc(5);
      head.write('d', 0, 'latin1');
      head.writeInt32BE(piece.length + 4, 1);
      stream.write(head);
      stream.write(piece);
    }
    // CopyDone.
    stream.write(Buffer.from([0x63, 0, 0, 0, 4]));
    stream.uncork();
  }
}
