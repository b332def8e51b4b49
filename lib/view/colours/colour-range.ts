import { valueAtPosition, type ColourScale } from './colour-scale';

/** The ends of a colour scale as a person set them. */
export interface ColourRange {
  readonly low: number;
  readonly high: number;
}

/** Ends nearer than this share of the scale would leave no colours between them. */
const LEAST_SPAN = 0.02;
/** A drag may widen the scale by so much of its length at once. */
const MOST_OUTSIDE = 1;
const LEAST_DIGITS = 3;
/** So many tell any two numbers apart. */
const MOST_DIGITS = 17;

/** "1e-6..10" as the URL holds it; null for anything else. */
export function parseColourRange(text: string | null): ColourRange | null {
  const [low, high, ...rest] = (text ?? '').split('..').map((part) => Number(part || NaN));
  if (low === undefined || high === undefined || rest.length > 0) return null;
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? { low, high } : null;
}

/** Three digits, or as many more as keep the ends apart. */
export function formatColourRange({ low, high }: ColourRange): string {
  for (let digits = LEAST_DIGITS; ; digits++) {
    const [from, to] = [Number(low.toPrecision(digits)), Number(high.toPrecision(digits))];
    if (from < to || digits === MOST_DIGITS) return `${from}..${to}`;
  }
}

/** The range as the URL holds it. */
export function roundColourRange(range: ColourRange): ColourRange {
  return parseColourRange(formatColourRange(range)) ?? range;
}

/** The scale with the ends set by a person, where it can have them: a log scale ends above 0. */
export function applyColourRange(scale: ColourScale, range: ColourRange | null): ColourScale {
  if (range === null || (scale.kind === 'log' && range.low <= 0)) return scale;
  return { ...scale, low: range.low, high: range.high };
}

/**
 * One end moved to a position of the scale (0 its low, 1 its high end, beyond them wider);
 * it stops short of the other end. A diverging scale stays even around 0.
 */
export function moveColourEnd(
  scale: ColourScale,
  end: 'low' | 'high',
  position: number,
): ColourRange {
  const at = Math.min(1 + MOST_OUTSIDE, Math.max(-MOST_OUTSIDE, position));
  if (scale.kind === 'diverging') {
    const reach = Math.abs(
      valueAtPosition(scale, Math.max(0.5 + LEAST_SPAN, end === 'low' ? 1 - at : at)),
    );
    return { low: -reach, high: reach };
  }
  return end === 'low'
    ? { low: valueAtPosition(scale, Math.min(at, 1 - LEAST_SPAN)), high: scale.high }
    : { low: scale.low, high: valueAtPosition(scale, Math.max(at, LEAST_SPAN)) };
}
