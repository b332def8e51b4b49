/**
 * Several names in one parameter of a query: separated by commas, a comma or a backslash in
 * a name with a backslash before it.
 */
export function joinNames(names: readonly string[]): string {
  return names.map((name) => name.replaceAll(/[\\,]/g, (character) => `\\${character}`)).join(',');
}

/** Empty names are left out, so that "" is no name. */
export function splitNames(text: string): string[] {
  const names: string[] = [];
  let name = '';
  const end = () => {
    if (name.length > 0) names.push(name);
    name = '';
  };
  for (const [token] of text.matchAll(/\\.|[^]/gs)) {
    if (token === ',') end();
    else name += token.length === 2 ? token.slice(1) : token;
  }
  end();
  return names;
}
