/** Sent where the variable is set: the same line works with and without access tokens. */
const TOKEN = '${SPIKESCOPE_TOKEN:+-H"Authorization: Bearer $SPIKESCOPE_TOKEN"}';

/** Within single quotes a shell changes nothing but the quote itself. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The reads behind a chart as lines for a shell, one a request. */
export function writeCurlCommand(origin: string, paths: readonly string[]): string {
  return paths.map((path) => `curl -sS ${TOKEN} ${quoted(`${origin}${path}`)}`).join('\n');
}
