import { pixelOfStep, type StepAxis } from '../axes/step-axis';

export interface LaneItem {
  readonly kind: string;
  readonly step: number;
  readonly title: string;
  /** Where it is told in full; absent where it is not. */
  readonly href?: string;
}

/** One mark on the event lane; events of a kind that would overlap share one. */
export interface LaneMark {
  readonly kind: string;
  readonly x: number;
  readonly step: number;
  readonly label: string;
  readonly href?: string;
}

/** A mark is 12 px wide; nearer than this two of a kind cannot be told apart. */
const LEAST_DISTANCE_PX = 10;

/** Moved farther than this a mark would name another step. */
const MOST_SHIFT_PX = 26;

/** Marks from left to right, within the axis. Kinds keep their own marks, one beside the other. */
export function prepareEventLane(
  items: readonly LaneItem[],
  axis: StepAxis,
  lengthPx: number,
): LaneMark[] {
  const open = new Map<string, { mark: LaneMark; count: number }>();
  const marks: { mark: LaneMark; count: number }[] = [];
  for (const item of [...items].sort((a, b) => a.step - b.step)) {
    if (item.step < axis.low || item.step > axis.high) continue;
    const x = pixelOfStep(axis, lengthPx, item.step);
    const before = open.get(item.kind);
    if (before !== undefined && x - before.mark.x < LEAST_DISTANCE_PX) {
      before.count++;
      continue;
    }
    const { kind, step, title, href } = item;
    const mark = { kind, x, step, label: title, ...(href === undefined ? {} : { href }) };
    const entry = { mark, count: 1 };
    open.set(item.kind, entry);
    marks.push(entry);
  }
  return spreadMarks(
    marks.map(({ mark, count }) =>
      count === 1 ? mark : { ...mark, label: `${mark.label} and ${count - 1} more` },
    ),
  );
}

/**
 * Marks of several kinds at nearly one step stand side by side: spikes of the loss at their
 * place, what came with them to the left, as it came before.
 */
function spreadMarks(marks: readonly LaneMark[]): LaneMark[] {
  const isLoss = ({ kind }: LaneMark) => kind === 'loss_spike' || kind === 'divergence';
  const ordered = [...marks].sort((a, b) => a.x - b.x || Number(isLoss(a)) - Number(isLoss(b)));
  let next = Infinity;
  return ordered
    .reverse()
    .map((mark) => {
      const moved = isLoss(mark) ? mark.x : Math.min(mark.x, next - LEAST_DISTANCE_PX - 2);
      const x = mark.x - moved > MOST_SHIFT_PX ? mark.x : moved;
      next = x;
      return { ...mark, x };
    })
    .reverse();
}
