import { formatStep } from '@/lib/view/text/format-number';
import type { CurvatureView } from '@/lib/view/outlook/curvature-words';
import styles from './side-panel.module.css';

/** How the curvature stands against its limit; of runs that report it. */
export function CurvatureSection({ view }: { readonly view: CurvatureView | null }) {
  if (view === null) return null;
  const { ratio, step, sentence, advice } = view;
  return (
    <section className={styles['section']} aria-labelledby="curvature">
      <header className={styles['header']}>
        <h2 id="curvature">Curvature</h2>
        <span>
          stability ratio {ratio} at {formatStep(step)}
        </span>
      </header>
      <p className={styles['text']}>{sentence}</p>
      {advice.map((words) => (
        <p key={words} className={styles['text']}>
          {words}
        </p>
      ))}
    </section>
  );
}
