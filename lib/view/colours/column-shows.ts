import { CODE_MISSING, CODE_NON_FINITE, CODE_ZERO } from './magnitude-code';

/**
 * What a column of several steps shows of them, and a pixel of several cells: their highest
 * value, or their lowest, for metrics whose small values are the alarm. There is no mean: a
 * pixel of several columns would mix them, and neither a spike nor a dip would be seen.
 */
export const COLUMN_SHOWS = ['highest', 'lowest'] as const;
export type ColumnShows = (typeof COLUMN_SHOWS)[number];

export const reduceOf = (shows: ColumnShows): 'max' | 'min' => (shows === 'lowest' ? 'min' : 'max');

/**
 * What turns a magnitude code round, by exclusive or: the lowest of two values has the larger
 * code then, and all that keeps the larger of two codes keeps the lowest value. What is
 * missing or not finite has its code in either order.
 */
export const codeTurn = (shows: ColumnShows): number => (shows === 'lowest' ? CODE_NON_FINITE : 0);

export function turnCode(code: number, turn: number): number {
  return code === CODE_MISSING || code === CODE_NON_FINITE ? code : code ^ turn;
}

/** The code of an exact zero among codes that are turned so. */
export const zeroCodeOf = (shows: ColumnShows): number => turnCode(CODE_ZERO, codeTurn(shows));

/**
 * Turns what is held by code, such as colours and counts, in place; what stands for missing
 * and not finite stays where it is.
 */
export function turnByCode(byCode: Uint32Array, shows: ColumnShows): Uint32Array {
  if (shows === 'lowest') byCode.subarray(CODE_MISSING + 1, CODE_NON_FINITE).reverse();
  return byCode;
}

/** "highest gradient norm" of a bucket; a single step has but one. */
export function nameOfColumn(label: string, shows: ColumnShows, isBucket: boolean): string {
  return isBucket ? `${shows} ${label}` : label;
}

/** What is blue: a column of several steps is coloured by the one of them that it shows. */
export function describeBlue(levelLabel: string, shows: ColumnShows, isBucket: boolean): string {
  const where = !isBucket ? '' : shows === 'highest' ? ' in every step' : ' in any step';
  return `below ${levelLabel}${where} is blue`;
}
