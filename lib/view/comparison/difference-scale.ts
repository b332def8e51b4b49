import { colourRamp, packHex, RAMP_LENGTH, type ThemeName } from '../colours/colour-ramp';
import type { ColourScale } from '../colours/colour-scale';
import { countDeviations, decodeDeviation } from './deviation-code';
import type { DifferenceColumns, DifferenceKind } from './heatmap-difference';
import { formatNumber, TRUE_MINUS } from '../text/format-number';
import { CODE_COUNT, CODE_NON_FINITE } from '../colours/magnitude-code';
import { niceStep } from '../axes/ticks';

/** Colours for "less" and "more": even around "the same". */
export interface DifferenceScale {
  readonly kind: DifferenceKind;
  /** The deviation at either end. */
  readonly reach: number;
}

/** Share of the cells that may lie beyond the ends: one layer that went mad must not bleach the rest. */
const TAIL_SHARE = 0.002;
/** Less than a factor of two fills no scale: it would make noise look like a difference. */
const LEAST_DECADES = Math.log10(2);
/** Ends of decades stand on quarters, so that they are the same for nearly the same data. */
const SNAP = 4;

/**
 * The scale that fits these cells.
 *
 * Empty  a factor of ten, or ±1
 */
export function fitDifferenceScale({
  kind,
  codes,
}: Pick<DifferenceColumns, 'kind' | 'codes'>): DifferenceScale {
  const counts = countDeviations(codes);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return { kind, reach: 1 };
  let seen = 0;
  let reach = 0;
  for (let code = CODE_NON_FINITE - 1; code > 0 && seen <= total * TAIL_SHARE; code--) {
    seen += counts[code] ?? 0;
    reach = Math.abs(decodeDeviation(code));
  }
  if (kind === 'linear') return { kind, reach: reach === 0 ? 1 : reach };
  return { kind, reach: Math.max(LEAST_DECADES, Math.ceil(reach * SNAP) / SNAP) };
}

/** "0.5" as the URL holds a reach set by a person; null for anything else. */
export function parseReach(text: string | null): number | null {
  const reach = Number(text ?? NaN);
  return Number.isFinite(reach) && reach > 0 ? reach : null;
}

/** The ends as those of a scale, even around "the same": they are moved as one. */
export function endsOfDifference({ reach }: DifferenceScale): ColourScale {
  return { kind: 'diverging', low: -reach, high: reach, level: null };
}

const entryOf = (reach: number, deviation: number): number =>
  Math.round(Math.min(1, Math.max(0, 0.5 + deviation / reach / 2)) * (RAMP_LENGTH - 1));

/** [pixels] the packed colours along a scale, each of the deviation at its pixel's middle. */
export function differenceBar(
  { reach }: DifferenceScale,
  theme: ThemeName,
  pixels: number,
): Uint32Array {
  const ramp = colourRamp(theme, 'diverging');
  return Uint32Array.from({ length: pixels }, (_, pixel) => {
    const deviation = (((pixel + 0.5) / pixels) * 2 - 1) * reach;
    return ramp[entryOf(reach, deviation)] ?? 0;
  });
}

/** [65536] the deviation of every code; NaN for those without one. */
let decoded: Float32Array | null = null;

function deviationsOfCodes(): Float32Array {
  decoded ??= Float32Array.from({ length: CODE_COUNT }, (_, code) => {
    const deviation = decodeDeviation(code);
    // Neighbours of infinity that decode to NaN or beyond have no cell.
    return Number.isFinite(deviation) ? deviation : NaN;
  });
  return decoded;
}

/**
 * [65536] the packed colour of every code; "not reported" is 0, which the drawing hatches.
 * While an end of the scale is dragged, every frame into the table of the last one.
 */
export function bakeDifferenceTable(
  { reach }: DifferenceScale,
  theme: ThemeName,
  nonFiniteColour: string,
  table: Uint32Array = new Uint32Array(CODE_COUNT),
): Uint32Array {
  const ramp = colourRamp(theme, 'diverging');
  const deviations = deviationsOfCodes();
  for (let code = 1; code < CODE_NON_FINITE; code++) {
    const deviation = deviations[code] ?? NaN;
    if (!Number.isNaN(deviation)) table[code] = ramp[entryOf(reach, deviation)] ?? 0;
  }
  table[CODE_NON_FINITE] = packHex(nonFiniteColour);
  return table;
}

export interface DifferenceTick {
  /** 0 at the lower end, 1 at the upper. */
  readonly position: number;
  readonly text: string;
}

/** "÷10", "=", "×10"; amounts with their sign. */
export function differenceTicks({ kind, reach }: DifferenceScale): DifferenceTick[] {
  const every = kind === 'decades' ? decadeStep(reach) : niceStep(reach, 4);
  const ticks: DifferenceTick[] = [];
  const count = Math.floor(reach / every + 1e-9);
  for (let i = -count; i <= count; i++) {
    ticks.push({
      position: 0.5 + (i * every) / reach / 2,
      text: formatDeviation(kind, i * every),
    });
  }
  return ticks;
}

function decadeStep(reach: number): number {
  if (reach < LEAST_DECADES) return reach / 2;
  if (reach < 1) return LEAST_DECADES;
  return Math.max(1, Math.ceil(reach / 2));
}

/** A float32 spans fewer decades: what is farther away was, or became, exactly 0. */
const MOST_DECADES = 83;

/** A deviation as it is read out: "×3.16", "÷10", "+0.2"; "=" for none. */
export function formatDeviation(kind: DifferenceKind, deviation: number): string {
  if (deviation === 0) return '=';
  const size = Math.abs(deviation);
  const written = (value: number) =>
    formatNumber(value)
      .replace(/(\.\d*?)0+(?!\d)/, '$1')
      .replace(/\.(?!\d)/, '');
  if (kind === 'linear') return `${deviation > 0 ? '+' : TRUE_MINUS}${written(size)}`;
  return `${deviation > 0 ? '×' : '÷'}${size > MOST_DECADES ? '∞' : written(10 ** size)}`;
}
