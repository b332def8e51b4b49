import { formatAge } from '@/lib/view/text/format-number';
import { edgePixels, type StepAxis } from '@/lib/view/axes/step-axis';
import { pauseSides } from '@/lib/view/axes/step-clock';
import { boxOf, type PlotGeometry } from './plot-geometry';
import styles from './plot.module.css';

/** Narrower bands are left to the eye. */
const LEAST_WORDS_PX = 84;

/** Where the job stood still on an axis of wall time: nothing is missing there, and it says for how long. */
export function PauseBands({ geometry }: { readonly geometry: PlotGeometry }) {
  const { axis, stepLane, layerLane, orientation } = geometry;
  const isRight = orientation === 'steps-right';
  return pausesInView(axis, stepLane.size).map(({ edge, from, to, seconds }) => {
    const along = { start: stepLane.start + from, size: to - from };
    const words = `no steps for ${formatAge(seconds * 1000)}`;
    return (
      <div
        key={edge}
        className={styles['pause']}
        title={words}
        style={boxOf(geometry, along, layerLane)}
      >
        {(isRight ? along.size : layerLane.size) >= LEAST_WORDS_PX &&
        (isRight || along.size >= 16) ? (
          <span>{words}</span>
        ) : null}
      </div>
    );
  });
}

function pausesInView(axis: StepAxis, lengthPx: number) {
  const { clock } = axis;
  if (clock === undefined) return [];
  const pixelOf = edgePixels(axis, lengthPx);
  return Array.from(clock.pauses)
    .filter((edge) => edge > axis.low && edge < axis.high)
    .map((edge) => {
      const { ends, begins } = pauseSides(clock, edge);
      return {
        edge,
        from: pixelOf(edge, 'ends'),
        to: pixelOf(edge, 'begins'),
        seconds: begins - ends,
      };
    })
    .filter(({ from, to }) => to - from >= 1);
}
