import { describe, expect, it } from 'vitest';
import { parseMarkdown, safeHref } from '@/lib/view/text/markdown';

const text = (value: string) => ({ kind: 'text', text: value });

describe('notes in Markdown', () => {
  it('have headings, paragraphs, lists, quotes and code', () => {
    const source = [
      '## What we did',
      'Rewound.',
      'Skipped.',
      '',
      '- one',
      '- two',
      '1. first',
      '> said',
      '```sh',
      'npm **start**',
      '```',
      'end',
    ].join('\r\n');
    expect(parseMarkdown(source)).toEqual([
      { kind: 'heading', level: 2, children: [text('What we did')] },
      { kind: 'paragraph', children: [text('Rewound.\nSkipped.')] },
      { kind: 'list', isOrdered: false, items: [[text('one')], [text('two')]] },
      { kind: 'list', isOrdered: true, items: [[text('first')]] },
      { kind: 'quote', children: [text('said')] },
      { kind: 'code', text: 'npm **start**' },
      { kind: 'paragraph', children: [text('end')] },
    ]);
  });

  it('have bold, italic, code and links within a line', () => {
    const [block] = parseMarkdown('a **b *c*** `*d*` [e](https://x.org/1) 2*3*4');
    expect(block).toMatchObject({
      children: [
        text('a '),
        { kind: 'strong' },
        text(' '),
        { kind: 'code', text: '*d*' },
        text(' '),
        { kind: 'link', href: 'https://x.org/1', children: [text('e')] },
        text(' 2'),
        { kind: 'emphasis', children: [text('3')] },
        text('4'),
      ],
    });
  });

  it('keep what is no Markdown of ours as it was typed, tags too', () => {
    for (const source of [
      '<script>alert(1)</script>',
      '**open',
      '[x](',
      '`',
      '![i](https://x.org)',
    ]) {
      expect(JSON.stringify(parseMarkdown(source))).not.toMatch(/"(html|strong|code)"/);
    }
    expect(parseMarkdown('<b>x</b>')).toEqual([
      { kind: 'paragraph', children: [text('<b>x</b>')] },
    ]);
    expect(parseMarkdown('')).toEqual([]);
    expect(parseMarkdown('```\nnever closed')).toEqual([{ kind: 'code', text: 'never closed' }]);
  });

  it('link to the web and within the product alone', () => {
    for (const href of ['https://x.org/a?b=c', 'http://x', 'mailto:a@b.c', '/runs/1', '#top']) {
      expect(safeHref(href)).toBe(href);
    }
    for (const href of [
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      'data:text/html,x',
      '//evil.org',
      '/\\evil.org',
      'https://x"onclick=',
      'vbscript:x',
      ' https://x',
    ]) {
      expect(safeHref(href)).toBeNull();
      expect(JSON.stringify(parseMarkdown(`[x](${href})`))).not.toContain('"link"');
    }
  });
});
