/** The timeline of a postmortem as geometry: what a person reads of it is decided here. */
import type { Postmortem } from '../../contract/postmortem';
import { formatStep } from '../text/format-number';
import { prepareLaneScale } from '../axes/lane-scale';
import { stepTicks, type Tick } from '../axes/ticks';

export interface PlacedTick {
  readonly at: number;
  readonly tick: Tick;
}

export interface TimelineLane {
  readonly key: 'loss' | 'gradientNorm';
  readonly label: string;
  readonly top: number;
  readonly bottom: number;
  readonly ticks: readonly PlacedTick[];
  readonly lines: readonly {
    readonly attempt: number;
    readonly isOwn: boolean;
    readonly path: string;
  }[];
  /** Why there is no line; null where there is one. */
  readonly emptyReason: string | null;
}

export interface TimelineMark {
  readonly kind: 'first_movers' | 'onset' | 'recovered';
  readonly x: number;
  readonly label: string;
  /** On which side of its line the label stands. */
  readonly side: 'left' | 'right';
}

export interface SpikeTimeline {
  readonly width: number;
  readonly height: number;
  readonly lanes: readonly TimelineLane[];
  readonly interval: { readonly from: number; readonly to: number };
  readonly marks: readonly TimelineMark[];
  /** Posted events, restarts and notes, in the row under the labels. */
  readonly events: readonly { readonly kind: string; readonly x: number; readonly title: string }[];
  readonly stepTicks: readonly PlacedTick[];
  readonly hasOthers: boolean;
}

/** Left of the plots stand their labels; the heatmap below has the same gutter. */
export const SPIKE_GUTTER = 72;
const LABELS = 18;
const EVENT_ROW = 16;
const LANES = [
  { key: 'loss', label: 'Loss', height: 132 },
  { key: 'gradientNorm', label: 'Grad norm', height: 72 },
] as const;
const GAP = 12;
const NAME_ROW = 16;
const SHORT_NAME = 6;
const AXIS = 20;
/** Width of "317 first movers" and a little air. */
const LABEL_WIDTH = 112;
const ONSET_WIDTH = 72;

/** A column of one step is as wide as the steps are apart: half of one stands out on either side. */
export function stepPosition(
  { fromStep, toStep }: { readonly fromStep: number; readonly toStep: number },
  widthPx: number,
): (step: number) => number {
  const span = toStep - fromStep + 1;
  return (step) =>
    SPIKE_GUTTER + ((step - fromStep + 0.5) / span) * Math.max(1, widthPx - SPIKE_GUTTER);
}

export function prepareSpikeTimeline(postmortem: Postmortem, widthPx: number): SpikeTimeline {
  const { spike, attempts, changes, notes, fromStep, toStep } = postmortem;
  const x = stepPosition(postmortem, widthPx);
  const events = [
    ...changes.map(({ kind, step, text }) => ({ kind: markOf(kind), step, title: text })),
    ...attempts.flatMap(({ attempt, skippedBatches }) =>
      skippedBatches.map(({ step, title }) => ({
        ...{ kind: 'batch_skip', step },
        title: `attempt ${attempt}: ${title}`,
      })),
    ),
    ...notes.flatMap(({ fromStep: step, author }) =>
      step === null ? [] : [{ kind: 'note', step, title: `note by ${author}` }],
    ),
  ].filter(({ step }) => step >= fromStep && step <= toStep);
  let y = LABELS + (events.length > 0 ? EVENT_ROW : 0);
  const lanes = LANES.map(({ key, label, height }) => {
    const top = y;
    y += height + GAP;
    return prepareLane({ key, label, top, bottom: top + height }, attempts, x);
  });
  return {
    width: widthPx,
    height: y - GAP + AXIS,
    lanes,
    interval: {
      from: x(spike.onsetStep),
      to: Math.min(widthPx, x(spike.recoveredStep ?? toStep)),
    },
    marks: placeMarks(postmortem, x, widthPx),
    events: events.map(({ kind, step, title }) => ({
      ...{ kind, x: x(step) },
      title: `${title}, step ${formatStep(step)}`,
    })),
    stepTicks: stepTicks(fromStep, toStep, Math.max(2, Math.floor(widthPx / 90))).map((tick) => ({
      ...{ tick, at: x(tick.value) },
    })),
    hasOthers: attempts.length > 1,
  };
}

function markOf(kind: Postmortem['changes'][number]['kind']): string {
  if (kind === 'reported_rate') return 'learning_rate';
  return kind === 'batch_id' ? 'note' : kind;
}

function prepareLane(
  place: Pick<TimelineLane, 'key' | 'label' | 'top' | 'bottom'>,
  attempts: Postmortem['attempts'],
  x: (step: number) => number,
): TimelineLane {
  const { key, top } = place;
  const finite = attempts.flatMap((course) => course[key].filter((value) => value !== null));
  const scale = prepareLaneScale(finite, place);
  if (scale === null) {
    return { ...place, ticks: [], lines: [], emptyReason: 'not reported over these steps' };
  }
  const { y, ticks } = scale;
  return {
    ...place,
    ticks: ticks
      .map((tick) => ({ tick, at: y(tick.value) }))
      // A long name reaches as far as the numbers do.
      .filter(({ at }) => place.label.length <= SHORT_NAME || at > top + NAME_ROW),
    lines: attempts
      .map((course, index) => ({
        attempt: course.attempt,
        isOwn: index === 0,
        path: pathOf(course.steps, course[key], x, y),
      }))
      // The spike's own line is drawn last, over the others.
      .reverse(),
    emptyReason: null,
  };
}

function pathOf(
  steps: readonly number[],
  values: readonly (number | null)[],
  x: (step: number) => number,
  y: (value: number) => number,
): string {
  let path = '';
  let isOpen = false;
  values.forEach((value, index) => {
    const step = steps[index];
    if (value === null || step === undefined) {
      isOpen = false;
      return;
    }
    const point = `${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
    // A point between two gaps is a dot.
    path += isOpen ? `L${point}` : `M${point}h.01`;
    isOpen = true;
  });
  return path;
}

function placeMarks(
  { spike }: Postmortem,
  x: (step: number) => number,
  widthPx: number,
): TimelineMark[] {
  const leading = [...spike.firstMovers, ...spike.globalMovers]
    .filter(({ leadSteps }) => leadSteps >= 1)
    .map(({ step }) => step);
  const onset = x(spike.onsetStep);
  const marks: TimelineMark[] = [];
  if (leading.length > 0) {
    const step = Math.min(...leading);
    const label = `${formatStep(step)} first movers`;
    marks.push({ kind: 'first_movers', x: x(step), label, side: 'left' });
  }
  marks.push({
    ...{ kind: 'onset', x: onset, label: `${formatStep(spike.onsetStep)} onset` },
    side: onset > widthPx - LABEL_WIDTH ? 'left' : 'right',
  });
  if (spike.recoveredStep !== null) {
    const at = x(spike.recoveredStep);
    const side = at < widthPx - LABEL_WIDTH ? 'right' : 'left';
    // Beside the onset's own words there may be no room: the facts say the step as well.
    const hasRoom = at - onset > (side === 'right' ? ONSET_WIDTH : ONSET_WIDTH + LABEL_WIDTH);
    const label = hasRoom ? `${formatStep(spike.recoveredStep)} recovered` : '';
    marks.push({ kind: 'recovered', x: at, label, side });
  }
  return marks;
}
