/** Joins the class names that are there; an absent one leaves no trace. */
export function classNames(...names: readonly (string | false | null | undefined)[]): string {
  return names.filter((name) => typeof name === 'string' && name.length > 0).join(' ');
}
