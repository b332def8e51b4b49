/**
 * A client's messages of the extended protocol, laid out one behind the other and sent in one
 * write. node-postgres makes a buffer of each, which the socket takes one by one: of a read of
 * twenty statements that took longer than to answer a few of them.
 *
 * Source: postgresql.org, "Extended Query"; "Message Formats".
 */

const PARSE = 0x50;
const BIND = 0x42;
const EXECUTE = 0x45;
const SYNC = 0x53;

/** Two dozen statements with their parameters; what a larger read needed is given back. */
const KEPT_BYTES = 16 * 1024;
/** A character of UTF-16 takes at most three bytes in UTF-8. */
const MAX_BYTES_A_CHARACTER = 3;

export class QueryMessages {
  #buffer = Buffer.allocUnsafeSlow(KEPT_BYTES);
  #length = 0;

  /** Prepares a statement whose types the server infers; the name '' is the next one's too. */
  parse(name: string, sql: string): void {
    this.#claim(9 + (name.length + sql.length) * MAX_BYTES_A_CHARACTER);
    const start = this.#begin(PARSE);
    this.#string(name);
    this.#string(sql);
    this.#int16(0);
    this.#end(start);
  }

  /** Runs it with values in the text form; its rows come in binary form. */
  execute(name: string, values: readonly string[]): void {
    let characters = name.length;
    for (const value of values) characters += value.length;
    this.#claim(30 + 4 * values.length + characters * MAX_BYTES_A_CHARACTER);
    const start = this.#begin(BIND);
    // The portal without a name.
    this.#byte(0);
    this.#string(name);
    // All values are texts.
    this.#int16(0);
    this.#int16(values.length);
    for (const value of values) {
      const at = this.#length;
      this.#length += 4;
      this.#text(value);
      this.#buffer.writeInt32BE(this.#length - at - 4, at);
    }
    // One format for all columns: binary.
    this.#int16(1);
    this.#int16(1);
    this.#end(start);

    const executed = this.#begin(EXECUTE);
    this.#byte(0);
    // All rows.
    this.#int16(0);
    this.#int16(0);
    this.#end(executed);
  }

  /** Asks to be told when all is answered. */
  sync(): void {
    this.#claim(5);
    this.#end(this.#begin(SYNC));
  }

  /** What has been laid out, for the socket to keep; the next messages begin anew. */
  take(): Buffer {
    const messages = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(KEPT_BYTES);
    return messages;
  }

  #claim(byteLength: number): void {
    const needed = this.#length + byteLength;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  /** Where the message's length is to be written. */
  #begin(type: number): number {
    this.#byte(type);
    const start = this.#length;
    this.#length += 4;
    return start;
  }

  /** The length counts itself and not the type. */
  #end(start: number): void {
    this.#buffer.writeInt32BE(this.#length - start, start);
  }

  #byte(value: number): void {
    this.#buffer[this.#length++] = value;
  }

  #int16(value: number): void {
    this.#length = this.#buffer.writeUInt16BE(value, this.#length);
  }

  #text(value: string): void {
    this.#length += this.#buffer.write(value, this.#length);
  }

  #string(value: string): void {
    this.#text(value);
    this.#byte(0);
  }
}
