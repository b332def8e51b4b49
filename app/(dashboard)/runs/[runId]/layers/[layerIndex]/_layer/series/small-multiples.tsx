import type { PointerEvent } from 'react';
import type { SmallMultiple } from '@/lib/view/layer/small-multiple';
import type { TracePoint } from '@/lib/view/timelines/trace';
import { ChartMenu } from '@/app/_components/chart-menu/chart-menu';
import type { LayerCharts } from '../model/layer-charts';
import styles from './small-multiples.module.css';

/** The unit square is stretched to the panel; strokes keep their width. */
const UNIT = 100;

function toPath(segments: readonly (readonly TracePoint[])[]): string {
  return segments
    .map((points) => {
      const [only] = points;
      // A single point is drawn as a short stroke: round caps make a dot of it.
      if (points.length === 1 && only !== undefined)
        return `M${(only.x * UNIT).toFixed(2)} ${((1 - only.y) * UNIT).toFixed(2)}h.01`;
      return points
        .map(
          ({ x, y }, i) =>
            `${i === 0 ? 'M' : 'L'}${(x * UNIT).toFixed(2)} ${((1 - y) * UNIT).toFixed(2)}`,
        )
        .join('');
    })
    .join('');
}

/** Where the crosshair stands, and what each metric is there. */
export interface MultiplesCrosshair {
  /** 0 to 1 along the window. */
  readonly x: number;
  /** "at 321". */
  readonly place: string;
  readonly textOf: (metric: string) => string;
}

function Panel({
  view,
  crosshair,
  onCrosshair,
}: {
  readonly view: SmallMultiple;
  readonly crosshair: MultiplesCrosshair | null;
  readonly onCrosshair: (share: number | null) => void;
}) {
  const onPointerMove = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    onCrosshair((event.clientX - box.left) / box.width);
  };
  return (
    <figure className={styles['panel']}>
      <figcaption className={styles['head']}>
        <span className={styles['label']} title={view.meaning}>
          {view.label}
        </span>
        <span className={styles['values']}>
          {crosshair === null ? (
            view.values.map(({ text, isMain }, index) => (
              <span key={index}>
                {index > 0 ? <span> → </span> : null}
                {isMain ? (
                  <strong data-nonfinite={text === 'NaN' || undefined}>{text}</strong>
                ) : (
                  <span data-nonfinite={text === 'NaN' || undefined}>{text}</span>
                )}
              </span>
            ))
          ) : (
            <>
              {crosshair.place} <strong>{crosshair.textOf(view.metric)}</strong>
            </>
          )}
        </span>
      </figcaption>
      <svg
        className={styles['plot']}
        viewBox={`0 0 ${UNIT} ${UNIT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${view.label} around the chosen steps`}
        onPointerMove={onPointerMove}
        onPointerLeave={() => onCrosshair(null)}
      >
        {view.reference === null ? null : (
          <path
            d={`M0 ${((1 - view.reference.y) * UNIT).toFixed(2)}H${UNIT}`}
            className={styles['reference']}
          />
        )}
        {view.marks.map((mark, index) => (
          <path
            key={index}
            d={`M${(mark * UNIT).toFixed(2)} 0V${UNIT}`}
            className={styles['mark']}
          />
        ))}
        {crosshair === null ? null : (
          <path
            d={`M${(crosshair.x * UNIT).toFixed(2)} 0V${UNIT}`}
            className={styles['crosshair']}
          />
        )}
        <path d={toPath(view.trace.segments)} className={styles['trace']} />
        {view.trace.nonFinite.map((at) => (
          <path
            key={at}
            d={`M${(at * UNIT).toFixed(2)} 0V${UNIT}`}
            className={styles['nonfinite']}
          />
        ))}
      </svg>
    </figure>
  );
}

const gridOf = (button: HTMLElement): HTMLElement | null => button.closest('[data-metrics]');

/** Every stored metric of the layer over the same steps. */
export function SmallMultiples({
  views,
  note,
  gone,
  crosshair,
  take,
  onCrosshair,
}: {
  readonly views: readonly SmallMultiple[];
  readonly note: string;
  /** What a storage policy let go of the steps; null where all are there. */
  readonly gone: string | null;
  readonly take: LayerCharts['metrics'];
  readonly crosshair: MultiplesCrosshair | null;
  readonly onCrosshair: (share: number | null) => void;
}) {
  return (
    <div className={styles['grid']} data-metrics>
      {views.map((view) => (
        <Panel key={view.metric} view={view} crosshair={crosshair} onCrosshair={onCrosshair} />
      ))}
      <div className={styles['note']}>
        <p>{note}</p>
        {gone === null ? null : <p>{gone} ⌀ is such a mean.</p>}
        {views.length === 0 ? null : (
          <ChartMenu name="Metrics of the layer" subject={(button) => take(gridOf(button))} />
        )}
      </div>
    </div>
  );
}
