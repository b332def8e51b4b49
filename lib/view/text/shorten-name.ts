/** A name that leaves room for the rest of its sentence on a phone. */
const MOST_CHARACTERS = 48;
/** Of what is kept, so much is the end: runs of one sweep begin alike and differ there. */
const END_CHARACTERS = 16;

/** The name as it is or, where it is too long for a sentence, without its middle. */
export function shortenName(name: string): string {
  const characters = Array.from(name);
  if (characters.length <= MOST_CHARACTERS) return name;
  const start = characters.slice(0, MOST_CHARACTERS - END_CHARACTERS - 1).join('');
  return `${start.trimEnd()}…${characters.slice(-END_CHARACTERS).join('').trimStart()}`;
}
