import type { ReportBlock, ReportDocument, ReportItem } from './report-document';

/**
 * The report as Markdown, short enough for a chat: no pictures, no evidence. Nothing in it can
 * become a tag of whatever shows it.
 */
export function writeMarkdown({ title, subtitle, blocks, footer }: ReportDocument): string {
  return [
    `# ${plain(title)}`,
    plain(subtitle),
    ...withoutPictures(blocks).map(writeBlock),
    '---',
    plain(footer),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** A heading that stands over pictures alone goes with them. */
function withoutPictures(blocks: readonly ReportBlock[]): ReportBlock[] {
  const told = blocks.filter(({ kind }) => kind !== 'figure');
  return told.filter((block, index) => {
    if (block.kind !== 'heading') return true;
    const next = told[index + 1];
    return next !== undefined && !(next.kind === 'heading' && next.level <= block.level);
  });
}

function writeBlock(block: ReportBlock): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${plain(block.text)}`;
    case 'paragraph':
    case 'small':
      return plain(block.text);
    case 'list':
      return block.items.map(writeItem).join('\n');
    case 'facts':
      return block.items
        .map(({ label, value }) => `- **${plain(label)}**: ${plain(value)}`)
        .join('\n');
    case 'table':
      return [
        row(block.head),
        row(block.head.map((_, index) => (block.numeric.includes(index) ? '--:' : '---'))),
        ...block.rows.map((cells) => row(cells.map(cell))),
      ].join('\n');
    case 'decision':
      return `**${plain(block.text)}**`;
    case 'figure':
      return '';
    case 'note':
      return `**${plain(block.byline)}**\n\n${quote(block.markdown)}`;
  }
}

function writeItem({ lead, text, detail }: ReportItem): string {
  const head = lead === '' ? '' : `**${plain(lead)}** `;
  const tail = detail === '' ? '' : ` (${plain(detail)})`;
  return `- ${head}${plain(text)}${tail}`;
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const cell = (text: string): string => plain(text).replaceAll('|', '\\|').replaceAll('\n', ' ');

/**
 * Names of layers and titles of events are text, not Markdown. An underscore inside a word is one
 * everywhere: c_attn needs no backslash.
 */
const plain = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*[\]]|(?<!\w)_|_(?!\w)/g, (character) => `\\${character}`);

/** A note keeps its own Markdown, quoted so that it cannot end up as part of the report. */
const quote = (markdown: string): string =>
  markdown
    .replaceAll('<', '&lt;')
    .split(/\r\n?|\n/)
    .map((line) => `> ${line}`)
    .join('\n');
