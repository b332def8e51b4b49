import type { Ridgeline, RidgeRow } from '@/lib/view/layer/ridgeline';
import { formatStep } from '@/lib/view/text/format-number';
import styles from './ridgeline-plot.module.css';

const WIDTH = 270;
/** As drawn with 26 rows; fewer rows keep their pitch and the figure gets lower. */
const FULL_HEIGHT = 352;
const WIDEST_PITCH = 16;
/** Room for three digits; steps in bold take so much for each character more. */
const LEAST_LABEL_WIDTH = 32;
const LABEL_PADDING = 8;
const CHARACTER_WIDTH = 6.4;
const AXIS_HEIGHT = 18;
const TOP = 28;

/** One distribution over steps; the row in the middle of attention in the accent colour. */
export function RidgelinePlot({
  ridgeline,
  title,
  onSelect,
}: {
  readonly ridgeline: Ridgeline;
  readonly title: string;
  readonly onSelect: (step: number) => void;
}) {
  const { rows, ticks, domain } = ridgeline;
  const [first, last] = domain;
  const gaps = Math.max(1, rows.length - 1);
  const pitch = Math.min(WIDEST_PITCH, (FULL_HEIGHT - AXIS_HEIGHT - TOP) / gaps);
  const bottom = TOP + gaps * pitch;
  const height = bottom + AXIS_HEIGHT;
  const longest = Math.max(0, ...rows.map(({ step }) => formatStep(step).length));
  const labelWidth = Math.max(LEAST_LABEL_WIDTH, LABEL_PADDING + CHARACTER_WIDTH * longest);
  const x = (at: number) =>
    (labelWidth + ((at - first) / (last - first)) * (WIDTH - labelWidth)).toFixed(1);
  const baseline = (index: number) => bottom - (rows.length - 1 - index) * pitch;
  const path = (row: RidgeRow, index: number) =>
    row.points
      .map(
        ({ at, height: rise }, i) =>
          `${i === 0 ? 'M' : 'L'}${x(at)} ${(baseline(index) - rise * pitch).toFixed(1)}`,
      )
      .join('');
  return (
    <figure className={styles['figure']}>
      <figcaption className={styles['title']}>{title}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        className={styles['plot']}
        role="img"
        aria-label={title}
      >
        {ticks.map(({ at, label }) => (
          <g key={at}>
            <path d={`M${x(at)} ${baseline(0) - 20}V${bottom}`} className={styles['grid']} />
            <text x={x(at)} y={height - 4} className={styles['tick']}>
              {label}
            </text>
          </g>
        ))}
        {rows.map((row, index) => (
          <g
            key={row.step}
            data-emphasis={row.emphasis}
            className={styles['row']}
            onClick={() => onSelect(row.step)}
          >
            <title>{`Step ${formatStep(row.step)}`}</title>
            <path d={path(row, index)} className={styles['ridge']} />
            {row.hasLabel ? (
              <text
                x={labelWidth - LABEL_PADDING}
                y={baseline(index) + 3.5}
                className={styles['step']}
              >
                {formatStep(row.step)}
              </text>
            ) : null}
          </g>
        ))}
      </svg>
    </figure>
  );
}
