import { Fragment } from 'react';
import { parseMarkdown, type Inline, type MarkdownBlock } from '@/lib/view/text/markdown';
import styles from './markdown.module.css';

/** What a person wrote, as elements: no HTML of theirs is ever set. */
export function Markdown({ source }: { readonly source: string }) {
  return (
    <div className={styles['markdown']}>
      {parseMarkdown(source).map((block, index) => (
        <Block key={index} block={block} />
      ))}
    </div>
  );
}

function Block({ block }: { readonly block: MarkdownBlock }) {
  switch (block.kind) {
    case 'heading':
      // Under the page's own headings.
      return (
        <p className={styles['heading']}>
          <strong>
            <Inlines of={block.children} />
          </strong>
        </p>
      );
    case 'paragraph':
      return (
        <p>
          <Inlines of={block.children} />
        </p>
      );
    case 'quote':
      return (
        <blockquote>
          <Inlines of={block.children} />
        </blockquote>
      );
    case 'list': {
      const items = block.items.map((item, index) => (
        <li key={index}>
          <Inlines of={item} />
        </li>
      ));
      return block.isOrdered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case 'code':
      return (
        <pre>
          <code>{block.text}</code>
        </pre>
      );
  }
}

function Inlines({ of }: { readonly of: readonly Inline[] }) {
  return of.map((inline, index) => (
    <Fragment key={index}>
      <One inline={inline} />
    </Fragment>
  ));
}

function One({ inline }: { readonly inline: Inline }) {
  switch (inline.kind) {
    case 'text':
      return inline.text;
    case 'code':
      return <code>{inline.text}</code>;
    case 'strong':
      return (
        <strong>
          <Inlines of={inline.children} />
        </strong>
      );
    case 'emphasis':
      return (
        <em>
          <Inlines of={inline.children} />
        </em>
      );
    case 'link':
      return (
        <a href={inline.href} rel="noreferrer">
          <Inlines of={inline.children} />
        </a>
      );
  }
}
