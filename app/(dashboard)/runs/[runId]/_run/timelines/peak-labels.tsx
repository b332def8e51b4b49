import { chooseLabels } from '@/lib/view/axes/place-labels';
import { pixelOfStep, type StepAxis } from '@/lib/view/axes/step-axis';
import { shareOnAxis, type TimelineChart } from '@/lib/view/timelines/timeline-chart';
import type { LanePlace } from './lane-layout';
import type { RunPlotModel } from '../model/run-view-model';
import styles from '../plot/plot.module.css';

const PEAK_GAP_PX = 6;
/** Above the peak: beside it the falling trace would run through the words. */
const PEAK_RISE_PX = 15;
/** A character of the peak's name at its size, near enough to keep two apart. */
const PEAK_CHARACTER_PX = 6.4;

type Peak = RunPlotModel['peaks'][number];

/** What the loss rose to in each spike, at its peak. */
export function PeakLabels({
  peaks,
  chart,
  axis,
  left,
  width,
  lane,
}: {
  readonly peaks: readonly Peak[];
  readonly chart: TimelineChart;
  readonly axis: StepAxis;
  readonly left: number;
  readonly width: number;
  readonly lane: LanePlace;
}) {
  return placePeaks(peaks, chart, axis, width).map(({ peak, x, isLate }) => (
    <span
      key={peak.step}
      className={styles['peak']}
      style={{
        left: left + (isLate ? x - PEAK_GAP_PX : x + PEAK_GAP_PX),
        top: lane.top + lane.height * (1 - shareOnAxis(chart, peak.value)) - PEAK_RISE_PX,
        transform: isLate ? 'translateX(-100%)' : undefined,
      }}
    >
      {peak.text}
    </span>
  ));
}

/** The peaks that are named, the highest first where two would touch. */
function placePeaks(
  peaks: readonly Peak[],
  chart: TimelineChart,
  axis: StepAxis,
  width: number,
): readonly { readonly peak: Peak; readonly x: number; readonly isLate: boolean }[] {
  const placed = [...peaks]
    .sort((a, b) => b.value - a.value)
    .map((peak) => {
      const x = pixelOfStep(axis, width, peak.step);
      const textWidth = peak.text.length * PEAK_CHARACTER_PX;
      // Losses that are no numbers are crosses at the top: words before them, not over them.
      const isFollowed = chart.nonFiniteSteps.some((step) => {
        const cross = pixelOfStep(axis, width, step);
        return cross >= x && cross <= x + PEAK_GAP_PX + textWidth;
      });
      const isLate = isFollowed || x + PEAK_GAP_PX + textWidth > width;
      const left = isLate ? x - PEAK_GAP_PX - textWidth : x + PEAK_GAP_PX;
      return { peak, x, isLate, left, right: left + textWidth };
    })
    .filter(({ x }) => x >= 0 && x <= width);
  return chooseLabels(placed, PEAK_GAP_PX).flatMap((index) => placed[index] ?? []);
}
