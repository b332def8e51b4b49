export interface TextMatch {
  readonly operator: 'ILIKE' | '~' | '~*';
  readonly pattern: string;
}

/** Text to be found somewhere in a name, or `/regex/`, `/regex/i` for either case. */
export function parseTextMatch(text: string): TextMatch {
  const expression = /^\/(.+)\/(i?)$/s.exec(text);
  if (expression === null) {
    const escaped = text.replaceAll(/[\\%_]/g, (character) => `\\${character}`);
    return { operator: 'ILIKE', pattern: `%${escaped}%` };
  }
  return { operator: expression[2] === 'i' ? '~*' : '~', pattern: expression[1] ?? '' };
}
