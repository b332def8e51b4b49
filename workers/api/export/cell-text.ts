import { bitsOf, MISSING_FLOAT32_BITS } from '../../../lib/contract/missing-value';
import type { ExportCells } from '../../../lib/query/export/export-batch';

/** Text that is turned into bytes at a time: joining a longer one costs more than it saves. */
const PIECE_LENGTH = 64 * 1024;

/** The shortest decimal that reads back as the same float64, and so as the same float32. */
export function numberText(value: number): string {
  return value === 0 && 1 / value < 0 ? '-0' : String(value);
}

/** A cell by its row: a number, a text, or null for what is missing. */
export function cellReader(cells: ExportCells): (row: number) => number | string | null {
  switch (cells.kind) {
    case 'list':
    case 'whole':
      return (row) => cells.values[row] ?? null;
    case 'float32': {
      const bits = bitsOf(cells.values);
      return (row) => (bits[row] === MISSING_FLOAT32_BITS ? null : (cells.values[row] ?? null));
    }
  }
}

/** Lines as UTF-8, `head` before the first of them. */
export class LineBytes {
  readonly #pieces: Buffer[] = [];
  #text: string;

  constructor(head: string) {
    this.#text = head;
  }

  add(line: string): void {
    this.#text += line;
    if (this.#text.length >= PIECE_LENGTH) this.#flush();
  }

  /** All since the last call, in memory of its own; null for nothing. */
  take(): Uint8Array<ArrayBuffer> | null {
    if (this.#text.length > 0) this.#flush();
    const byteLength = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (byteLength === 0) return null;
    const bytes = new Uint8Array(byteLength);
    let at = 0;
    for (const piece of this.#pieces.splice(0)) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  #flush(): void {
    this.#pieces.push(Buffer.from(this.#text));
    this.#text = '';
  }
}
