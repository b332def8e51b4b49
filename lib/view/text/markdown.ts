/**
 * The subset of Markdown that notes are written in: headings, paragraphs, lists, quotes,
 * fenced code; bold, italic, code and links. It becomes data, never HTML: whoever draws it
 * makes elements or escaped text of it, so that nothing a person writes can become a tag.
 * What is not in the subset stays as it was typed.
 */
export type Inline =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'emphasis'; readonly children: readonly Inline[] }
  | { readonly kind: 'link'; readonly href: string; readonly children: readonly Inline[] };

export type MarkdownBlock =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly children: readonly Inline[] }
  | { readonly kind: 'paragraph' | 'quote'; readonly children: readonly Inline[] }
  | {
      readonly kind: 'list';
      readonly isOrdered: boolean;
      readonly items: readonly (readonly Inline[])[];
    }
  | { readonly kind: 'code'; readonly text: string };

const FENCE = /^```/;
const HEADING = /^(#{1,3})\s+(.+)$/;
const BULLET = /^\s{0,3}[-*+]\s+(.+)$/;
const NUMBERED = /^\s{0,3}\d{1,9}[.)]\s+(.+)$/;
const QUOTE = /^>\s?(.*)$/;

/**
 * Blocks in order.
 *
 * Empty  no block
 * Cost   O(characters)
 */
export function parseMarkdown(source: string): MarkdownBlock[] {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const blocks: MarkdownBlock[] = [];
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    if (paragraph.length > 0) {
      blocks.push({ kind: 'paragraph', children: parseInline(paragraph.join('\n')) });
    }
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (FENCE.test(line)) {
      endParagraph();
      const end = lines.findIndex((other, index) => index > at && FENCE.test(other));
      const last = end === -1 ? lines.length : end;
      blocks.push({ kind: 'code', text: lines.slice(at + 1, last).join('\n') });
      at = last;
      continue;
    }
    const heading = HEADING.exec(line);
    if (heading !== null) {
      endParagraph();
      const level = heading[1]?.length === 1 ? 1 : heading[1]?.length === 2 ? 2 : 3;
      blocks.push({ kind: 'heading', level, children: parseInline(heading[2] ?? '') });
      continue;
    }
    const run = takeRun(lines, at);
    if (run !== null) {
      endParagraph();
      blocks.push(run.block);
      at = run.last;
      continue;
    }
    if (line.trim() === '') endParagraph();
    else paragraph.push(line);
  }
  endParagraph();
  return blocks;
}

/** A list or a quote that begins on this line; null where none does. */
function takeRun(
  lines: readonly string[],
  first: number,
): { readonly block: MarkdownBlock; readonly last: number } | null {
  for (const [pattern, isOrdered] of [
    [BULLET, false],
    [NUMBERED, true],
    [QUOTE, null],
  ] as const) {
    const texts: string[] = [];
    for (let at = first; at < lines.length; at++) {
      const match = pattern.exec(lines[at] ?? '');
      if (match === null) break;
      texts.push(match[1] ?? '');
    }
    if (texts.length === 0) continue;
    const block: MarkdownBlock =
      isOrdered === null
        ? { kind: 'quote', children: parseInline(texts.join('\n')) }
        : { kind: 'list', isOrdered, items: texts.map((text) => parseInline(text)) };
    return { block, last: first + texts.length - 1 };
  }
  return null;
}

/** Deeper than this, marks are text. */
const MOST_DEPTH = 8;
const MARKS = [
  { pattern: /^`([^`\n]+)`/, kind: 'code' },
  { pattern: /^\*\*(?=\S)([^\n]*?\S)\*\*(?!\*)/, kind: 'strong' },
  { pattern: /^\*(?=[^\s*])([^\n*]*?[^\s*])\*(?!\*)/, kind: 'emphasis' },
  { pattern: /^\[([^\]\n]{1,512})\]\(([^()\s]{1,2048})\)/, kind: 'link' },
] as const;

function parseInline(source: string, depth = 0): Inline[] {
  const found: Inline[] = [];
  let text = '';
  const endText = (): void => {
    if (text !== '') found.push({ kind: 'text', text });
    text = '';
  };
  let at = 0;
  while (at < source.length) {
    const character = source[at] ?? '';
    const mark =
      depth < MOST_DEPTH && '`*['.includes(character) ? readMark(source, at, depth) : null;
    if (mark === null) {
      text += character;
      at++;
      continue;
    }
    endText();
    found.push(mark.inline);
    at += mark.length;
  }
  endText();
  return found;
}

/** Marks are looked for this far ahead: one that is never closed costs no more. */
const MOST_MARK_CHARACTERS = 512;

function readMark(
  source: string,
  at: number,
  depth: number,
): { readonly inline: Inline; readonly length: number } | null {
  const rest = source.slice(at, at + MOST_MARK_CHARACTERS);
  for (const { pattern, kind } of MARKS) {
    const match = pattern.exec(rest);
    if (match === null) continue;
    const inner = match[1] ?? '';
    const { length } = match[0];
    if (kind === 'code') return { inline: { kind, text: inner }, length };
    const children = parseInline(inner, depth + 1);
    if (kind !== 'link') return { inline: { kind, children }, length };
    const href = safeHref(match[2] ?? '');
    if (href !== null) return { inline: { kind, href, children }, length };
  }
  return null;
}

/** Pages of the web, mail, and places of this product; nothing that runs. */
export function safeHref(href: string): string | null {
  if (/^(https?:\/\/|mailto:)[^\s<>"']+$/i.test(href)) return href;
  return /^(\/(?!\/)|#)[^\s<>"'\\]*$/.test(href) ? href : null;
}
