import { classNames } from '../_design/class-names';
import styles from './skeleton.module.css';

/** Bars in the widths that words have, so that nothing looks like a table of equal things. */
const WIDTHS = [62, 44, 71, 53, 38, 66, 49, 57] as const;

/** What the coming page looks like. */
export type SkeletonShape = 'rows' | 'run' | 'layer' | 'postmortem' | 'notes' | 'charts';

/**
 * Quiet forms in the places of what is being read, still and without colour; they come after
 * a moment, since most replies are there before. `text` says what is read, to those who
 * listen at once, to those who look after a second.
 */
export function Skeleton({
  text,
  shape,
}: {
  readonly text: string;
  readonly shape: SkeletonShape;
}) {
  return (
    <div className={classNames(styles['skeleton'], styles[shape])} data-skeleton={shape}>
      <p role="status" className={styles['text']}>
        {text}
      </p>
      <div className={styles['forms']} aria-hidden>
        <Forms shape={shape} />
      </div>
    </div>
  );
}

function Forms({ shape }: { readonly shape: SkeletonShape }) {
  switch (shape) {
    case 'rows':
      return <Lines count={8} />;
    case 'notes':
      return <Lines count={4} />;
    case 'charts':
      return <Blocks count={3} />;
    case 'run':
      return (
        <>
          <div className={styles['verdict']}>
            <Lines count={2} />
          </div>
          <div className={styles['plots']}>
            <i className={styles['timeline']} />
            <i className={styles['heatmap']} />
          </div>
          <div className={styles['panel']}>
            <Lines count={8} />
          </div>
        </>
      );
    case 'layer':
      return (
        <>
          <div className={styles['verdict']}>
            <Lines count={2} />
          </div>
          <i className={styles['timeline']} />
          <div className={styles['columns']}>
            <Blocks count={6} />
          </div>
        </>
      );
    case 'postmortem':
      return (
        <>
          <div className={styles['verdict']}>
            <Lines count={2} />
          </div>
          <i className={styles['timeline']} />
          <Lines count={6} />
        </>
      );
  }
}

function Lines({ count }: { readonly count: number }) {
  return Array.from({ length: count }, (_, index) => (
    <i
      key={index}
      className={styles['line']}
      style={{ inlineSize: `${WIDTHS[index % WIDTHS.length] ?? 50}%` }}
    />
  ));
}

function Blocks({ count }: { readonly count: number }) {
  return Array.from({ length: count }, (_, index) => <i key={index} className={styles['block']} />);
}
