/** A mail as a reader of mail takes it apart: RFC 5322 headers, RFC 2047 words, RFC 2045 parts. */
export interface ParsedMail {
  readonly headers: ReadonlyMap<string, string>;
  /** By type, as `text/plain`. */
  readonly parts: ReadonlyMap<string, string>;
  /** Of headers and body, without its end, in bytes. */
  readonly longestLine: number;
}

export function parseMail(raw: string): ParsedMail {
  const { headers, body } = splitHead(raw);
  const longestLine = Math.max(...raw.split('\r\n').map((line) => Buffer.byteLength(line)));
  const boundary = /boundary="?([^";]+)"?/.exec(headers.get('content-type') ?? '')?.[1];
  if (boundary === undefined) throw new Error('expected a mail of several parts');
  const inner = body.split(`\r\n--${boundary}--`)[0] ?? '';
  const parts = `\r\n${inner}`
    .split(`\r\n--${boundary}\r\n`)
    .slice(1)
    .map((part) => {
      const { headers: own, body: encoded } = splitHead(part);
      const [type = ''] = (own.get('content-type') ?? '').split(';');
      return [type, decodeBody(encoded, own.get('content-transfer-encoding') ?? '7bit')] as const;
    });
  return { headers, parts: new Map(parts), longestLine };
}

function splitHead(text: string): { headers: Map<string, string>; body: string } {
  const end = text.indexOf('\r\n\r\n');
  const lines = text
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())];
    }),
  );
  return { headers, body: text.slice(end + 4) };
}

/** White space between two encoded words is theirs, not the text's. */
function decodeWords(text: string): string {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_, encoding: string, word: string) =>
      encoding.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString('latin1')
        : bytesOf(word.replaceAll('_', ' ')),
    )
    .replaceAll(/[\u0080-\u00ff]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString('utf8'));
}

function decodeBody(text: string, encoding: string): string {
  switch (encoding) {
    case 'base64':
      return Buffer.from(text, 'base64').toString('utf8');
    case 'quoted-printable':
      return Buffer.from(bytesOf(text.replaceAll('=\r\n', '')), 'latin1').toString('utf8');
    case '7bit':
      return text;
    default:
      throw new Error(`expected an encoding that every server passes on, got ${encoding}`);
  }
}

function bytesOf(quoted: string): string {
  return quoted.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
