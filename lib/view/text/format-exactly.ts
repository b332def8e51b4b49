import { THIN_SPACE, TRUE_MINUS, formatSetting } from './format-number';

/**
 * A number that somebody chose, as they would write it, and never shorter than it is: two
 * seeds that differ in the last digit read differently.
 */
export function formatExactly(value: number): string {
  const short = formatSetting(value);
  if (!Number.isFinite(value) || parse(short) === value) return short;
  const digits = String(value).replaceAll('-', TRUE_MINUS);
  return Number.isInteger(value) ? digits.replace(/\B(?=(\d{3})+(?!\d))/g, THIN_SPACE) : digits;
}

const parse = (text: string): number =>
  Number(text.replaceAll(THIN_SPACE, '').replaceAll(TRUE_MINUS, '-'));
