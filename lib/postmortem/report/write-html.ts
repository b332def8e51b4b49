import { parseMarkdown, type Inline, type MarkdownBlock } from '../../view/text/markdown';
import { escapeXml } from './escape-xml';
import type { ReportBlock, ReportDocument, ReportItem } from './report-document';
import { REPORT_STYLE } from './report-style';

/**
 * The report as one HTML file: style and pictures are in it, scripts are not, and a policy
 * in its head keeps it from loading anything. Light or dark as the reader's system, light
 * on paper.
 */
export function writeHtml({ title, subtitle, blocks, footer }: ReportDocument): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapeXml(title)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<header><p class="sub">${escapeXml(subtitle)}</p><h1>${escapeXml(title)}</h1></header>
${blocks.map(writeBlock).join('\n')}
<footer>${escapeXml(footer)}</footer>
</main>
</body>
</html>
`;
}

function writeBlock(block: ReportBlock): string {
  switch (block.kind) {
    case 'heading': {
      const id = block.id === undefined ? '' : ` id="${escapeXml(block.id)}"`;
      return `<h${block.level}${id}>${escapeXml(block.text)}</h${block.level}>`;
    }
    case 'paragraph':
      return `<p>${escapeXml(block.text)}</p>`;
    case 'small':
    case 'decision':
      return `<p class="${block.kind}">${escapeXml(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map(writeItem).join('')}</ul>`;
    case 'facts':
      return `<dl>${block.items
        .map(
          ({ label, value }) =>
            `<div><dt>${escapeXml(label)}</dt><dd>${escapeXml(value)}</dd></div>`,
        )
        .join('')}</dl>`;
    case 'table':
      return writeTable(block);
    case 'figure':
      return `<figure>${block.svg}<figcaption>${escapeXml(block.caption)}</figcaption></figure>`;
    case 'note':
      return `<article><p class="small">${escapeXml(block.byline)}</p>${parseMarkdown(block.markdown).map(writeMarkdownBlock).join('')}</article>`;
  }
}

function writeTable({ head, rows, numeric }: Extract<ReportBlock, { kind: 'table' }>): string {
  const attribute = (index: number): string => (numeric.includes(index) ? ' class="n"' : '');
  const cells = (tag: string, texts: readonly string[]): string =>
    texts.map((text, index) => `<${tag}${attribute(index)}>${escapeXml(text)}</${tag}>`).join('');
  return `<div class="wide"><table><thead><tr>${cells('th', head)}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells('td', row)}</tr>`)
    .join('')}</tbody></table></div>`;
}

function writeItem({ lead, text, detail, numbers = '' }: ReportItem): string {
  const head = lead === '' ? '' : `<b>${escapeXml(lead)}</b> `;
  const tail = [detail, numbers]
    .filter((small) => small !== '')
    .map((small) => ` <small>${escapeXml(small)}</small>`)
    .join('');
  return `<li>${head}${escapeXml(text)}${tail}</li>`;
}

function writeMarkdownBlock(block: MarkdownBlock): string {
  switch (block.kind) {
    case 'heading':
      // Below the report's own headings.
      return `<h4>${writeInlines(block.children)}</h4>`;
    case 'paragraph':
      return `<p>${writeInlines(block.children)}</p>`;
    case 'quote':
      return `<blockquote>${writeInlines(block.children)}</blockquote>`;
    case 'list': {
      const tag = block.isOrdered ? 'ol' : 'ul';
      return `<${tag}>${block.items.map((item) => `<li>${writeInlines(item)}</li>`).join('')}</${tag}>`;
    }
    case 'code':
      return `<pre><code>${escapeXml(block.text)}</code></pre>`;
  }
}

function writeInlines(inlines: readonly Inline[]): string {
  return inlines.map(writeInline).join('');
}

function writeInline(inline: Inline): string {
  switch (inline.kind) {
    case 'text':
      return escapeXml(inline.text);
    case 'code':
      return `<code>${escapeXml(inline.text)}</code>`;
    case 'strong':
      return `<strong>${writeInlines(inline.children)}</strong>`;
    case 'emphasis':
      return `<em>${writeInlines(inline.children)}</em>`;
    case 'link':
      return `<a href="${escapeXml(inline.href)}" rel="noreferrer">${writeInlines(inline.children)}</a>`;
  }
}
