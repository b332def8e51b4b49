/** Pictures of reports: SVG by hand, coloured by the report's style sheet. */
import { formatNumber, formatStep } from '../../view/text/format-number';
import { prepareLaneScale } from '../../view/axes/lane-scale';
import { stepTicks, type Tick } from '../../view/axes/ticks';
import { escapeXml } from './escape-xml';

const WIDTH = 812;
const LEFT = 56;
const RIGHT = 8;

export interface DrawnSeries {
  readonly steps: readonly number[];
  /** The highest of each step or bucket; null where nothing finite was reported. */
  readonly values: readonly (number | null)[];
  readonly style: 'main' | 'other';
  /** Beside the line's end; empty for none. */
  readonly label: string;
}

export interface TimelineFigure {
  readonly title: string;
  readonly fromStep: number;
  readonly toStep: number;
  readonly lanes: readonly {
    readonly label: string;
    readonly heightPx: number;
    readonly series: readonly DrawnSeries[];
  }[];
  /** Tinted. */
  readonly intervals: readonly { readonly fromStep: number; readonly toStep: number }[];
  readonly marks: readonly {
    readonly step: number;
    readonly label: string;
    readonly colour: 'spike' | 'rms' | 'mark';
  }[];
}

const LABEL_ROW = 14;
/** Above each lane. */
const LANE_NAME = 18;
/** Names above the plot stand in so many rows before they are left out. */
const MOST_ROWS = 4;
const CHARACTER_PX = 6;

export function drawTimeline(figure: TimelineFigure): string {
  const { fromStep, toStep, lanes, intervals, title } = figure;
  const span = Math.max(1, toStep - fromStep);
  const x = (step: number): number =>
    LEFT +
    ((Math.min(Math.max(step, fromStep), toStep) - fromStep) / span) * (WIDTH - LEFT - RIGHT);
  const labels = placeLabels(figure.marks, x);
  const top = labels.rows * LABEL_ROW + 4;
  const bottoms: number[] = [];
  let y = top;
  for (const { heightPx } of lanes) {
    y += LANE_NAME + heightPx;
    bottoms.push(y);
  }
  const bottom = y;
  const parts = intervals.map(
    (interval) =>
      `<rect x="${px(x(interval.fromStep))}" y="${top}" width="${px(Math.max(1, x(interval.toStep) - x(interval.fromStep)))}" height="${bottom - top}" fill="var(--spike)" opacity=".1"/>`,
  );
  lanes.forEach((lane, index) => {
    const low = bottoms[index] ?? 0;
    parts.push(drawLane(lane, { top: low - lane.heightPx, bottom: low, x }));
  });
  for (const { at, row, text, colour } of labels.placed) {
    parts.push(
      `<path d="M${px(at)} ${row * LABEL_ROW + 12}V${bottom}" stroke="var(--${colour})" stroke-width="1"${colour === 'spike' ? '' : ' stroke-dasharray="3 3"'}/>`,
    );
    if (text !== '') {
      const isLeft = at > WIDTH - text.length * CHARACTER_PX - RIGHT;
      parts.push(
        `<text x="${px(at + (isLeft ? -4 : 4))}" y="${row * LABEL_ROW + 10}" text-anchor="${isLeft ? 'end' : 'start'}" style="fill:var(--${colour})">${escapeXml(text)}</text>`,
      );
    }
  }
  for (const tick of stepTicks(fromStep, toStep, 8)) {
    parts.push(
      `<text x="${px(x(tick.value))}" y="${bottom + 14}" text-anchor="middle">${escapeXml(formatStep(tick.value))}</text>`,
    );
  }
  return svg(WIDTH, bottom + 20, title, parts.join(''));
}

function placeLabels(
  marks: TimelineFigure['marks'],
  x: (step: number) => number,
): {
  readonly rows: number;
  readonly placed: readonly { at: number; row: number; text: string; colour: string }[];
} {
  const ends: number[] = [];
  const placed = [...marks]
    .sort((a, b) => a.step - b.step)
    .map(({ step, label, colour }) => {
      const at = x(step);
      const text = label.length > 48 ? `${label.slice(0, 47)}…` : label;
      const width = text.length * CHARACTER_PX + 12;
      const from = at > WIDTH - width ? at - width : at;
      let row = ends.findIndex((end) => end <= from);
      if (row === -1) row = ends.length;
      if (row >= MOST_ROWS) return { at, row: MOST_ROWS - 1, text: '', colour };
      ends[row] = from + width;
      return { at, row, text, colour };
    });
  return { rows: Math.max(1, ends.length), placed };
}

interface Place {
  readonly top: number;
  readonly bottom: number;
  readonly x: (step: number) => number;
}

function drawLane(
  { label, series }: TimelineFigure['lanes'][number],
  { top, bottom, x }: Place,
): string {
  const finite = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const name = `<text x="0" y="${top - 6}" style="font-weight:600">${escapeXml(label)}</text>`;
  const scale = prepareLaneScale(finite, { top, bottom });
  if (scale === null) {
    return `${name}<text x="${LEFT}" y="${top + 24}">not reported</text>`;
  }
  const { y, ticks } = scale;
  const grid = ticks.map(
    (tick) =>
      `<path d="M${LEFT} ${px(y(tick.value))}H${WIDTH - RIGHT}" stroke="var(--line)"/><text x="${LEFT - 6}" y="${px(y(tick.value) + 4)}" text-anchor="end">${tickText(tick)}</text>`,
  );
  const lines = series.map(({ steps, values, style, label: text }) => {
    const { path, last } = pathOf(steps, values, x, y);
    const stroke = style === 'main' ? 'var(--trace)' : 'var(--accent)';
    const end =
      text === '' || last === null
        ? ''
        : `<text x="${px(last.x)}" y="${px(last.y - 5)}" text-anchor="end" style="fill:${stroke}">${escapeXml(text)}</text>`;
    return `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="1.35" stroke-linejoin="round"/>${end}`;
  });
  return [...grid, name, ...lines].join('');
}

function pathOf(
  steps: readonly number[],
  values: readonly (number | null)[],
  x: (step: number) => number,
  y: (value: number) => number,
): { readonly path: string; readonly last: { x: number; y: number } | null } {
  let path = '';
  let isOpen = false;
  let last: { x: number; y: number } | null = null;
  values.forEach((value, index) => {
    const step = steps[index];
    if (value === null || step === undefined) {
      isOpen = false;
      return;
    }
    last = { x: x(step), y: y(value) };
    // A point between two gaps is a dot.
    path += `${isOpen ? 'L' : 'M'}${px(last.x)} ${px(last.y)}${isOpen ? '' : 'h.01'}`;
    isOpen = true;
  });
  return { path, last };
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
function tickText({ text, exponent, value }: Tick): string {
  if (exponent === null) return escapeXml(text);
  const raised = exponent.replace(/./g, (digit) => SUPERSCRIPTS[Number(digit)] ?? '⁻');
  return text === '' ? escapeXml(formatNumber(value)) : `${escapeXml(text)}${raised}`;
}

export const px = (value: number): string => String(Math.round(value * 10) / 10);

/** A picture with a name, for those who do not see it. */
export function svg(width: number, height: number, title: string, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${px(width)} ${px(height)}" width="${px(width)}" height="${px(height)}" role="img" aria-label="${escapeXml(title)}"><title>${escapeXml(title)}</title>${content}</svg>`;
}
