import { bitsOf, MISSING_FLOAT32_BITS } from '../../../lib/contract/missing-value';
import type { ExportCells } from '../../../lib/query/export/export-batch';

/** Large enough to be worth a write, small enough to take a millisecond or two. */
export const PIECE_LENGTH = 64 * 1024;

/** The shortest decimal that reads back as the same float64, and so as the same float32. */
export function numberText(value: number): string {
  return value === 0 && 1 / value < 0 ? '-0' : String(value);
}

/** A cell by its row: a number, a text, or null for what is missing. */
export function cellReader(cells: ExportCells): (row: number) => number | string | null {
  if (cells.kind === 'list') return (row) => cells.values[row] ?? null;
  const bits = bitsOf(cells.values);
  return (row) => (bits[row] === MISSING_FLOAT32_BITS ? null : (cells.values[row] ?? null));
}
