/**
 * A number of ours as PostgreSQL reads it. Steps reach 2^53 - 1, the ends of ranges lie
 * beyond them, by as much as what is looked at around them.
 *
 * Throws  TypeError on what is no whole number or far from any step
 */
export function integerText(value: number): string {
  if (!Number.isInteger(value) || Math.abs(value) > LARGEST_END) {
    throw new TypeError(`not a whole number near a step: ${value}`);
  }
  return `${value}`;
}

/** Every whole number up to here has digits of its own, that is no exponent. */
const LARGEST_END = 2 ** 54;
