import { Fragment } from 'react';
import type { MissingLayers } from '@/lib/view/heatmap/missing-layers';
import { CodeBlock } from '@/app/_components/code-block';
import styles from './side-panel.module.css';

/** In the place of all that layers would tell: that they are silent, and what makes them speak. */
export function MissingLayersSection({ missing }: { readonly missing: MissingLayers }) {
  return (
    <section className={styles['section']} aria-labelledby="missing-layers">
      <header className={styles['header']}>
        <h2 id="missing-layers">No layer metrics</h2>
      </header>
      <p className={styles['text']}>{missing.sentence}</p>
      <p className={styles['text']}>{missing.way}</p>
      <CodeBlock label="Watch the layers, Python" code={missing.code} />
      <p className={styles['text']}>
        {missing.fields
          .split('`')
          .map((part, index) =>
            index % 2 === 0 ? (
              <Fragment key={index}>{part}</Fragment>
            ) : (
              <code key={index}>{part}</code>
            ),
          )}
      </p>
    </section>
  );
}
