import { coordinateOf, coordinatesOfCodes, decodedCodes } from './coded-values';
import { colourRamp, packHex, RAMP_LENGTH, type ThemeName } from './colour-ramp';
import { valueAtPosition, type ColourScale } from './colour-scale';
import { CODE_COUNT, CODE_NON_FINITE, CODE_ZERO } from './magnitude-code';

/** A ramp over the values: entry = (coordinate × slope + offset) of its length. */
interface PlacedRamp {
  readonly ramp: Uint32Array;
  readonly slope: number;
  readonly offset: number;
}

/** The ramps of a scale: one below its reference level, one from there on. */
interface ScaleRamps {
  readonly below: PlacedRamp;
  readonly above: PlacedRamp;
  /** The first value that is not below. */
  readonly from: number;
}

function rampsOf(scale: ColourScale, theme: ThemeName): ScaleRamps {
  const [low, high] = [coordinateOf(scale, scale.low), coordinateOf(scale, scale.high)];
  const between = (ramp: Uint32Array, first: number, last: number): PlacedRamp =>
    first < last
      ? { ramp, slope: 1 / (last - first), offset: -first / (last - first) }
      : { ramp, slope: 0, offset: 1 };
  if (scale.kind === 'diverging') {
    const all = between(colourRamp(theme, 'diverging'), low, high);
    return { below: all, above: all, from: -Infinity };
  }
  const above = colourRamp(theme, 'above');
  if (scale.level === null) {
    const all = between(above, low, high);
    return { below: all, above: all, from: -Infinity };
  }
  const level = coordinateOf(scale, scale.level.value);
  return {
    below: between(colourRamp(theme, 'below'), low, level > low ? level : high),
    above: between(above, Math.max(low, level), high),
    from: scale.level.value,
  };
}

function entryAt({ ramp, slope, offset }: PlacedRamp, coordinate: number): number {
  const share = coordinate * slope + offset;
  const last = RAMP_LENGTH - 1;
  return ramp[share >= 1 ? last : share > 0 ? Math.round(share * last) : 0] ?? 0;
}

/** [pixels] the packed colours along a scale, each of the value at its pixel's middle. */
export function colourBar(scale: ColourScale, theme: ThemeName, pixels: number): Uint32Array {
  const { below, above, from } = rampsOf(scale, theme);
  return Uint32Array.from({ length: pixels }, (_, pixel) => {
    const value = valueAtPosition(scale, (pixel + 0.5) / pixels);
    return entryAt(value < from ? below : above, coordinateOf(scale, value));
  });
}

/** The first code whose value is not below one, which may lie between two. */
function codeFrom(value: number): number {
  const { values } = decodedCodes();
  let low = 1;
  let high = CODE_NON_FINITE;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = values[middle] ?? NaN;
    const isBelow = Number.isNaN(found) ? middle < CODE_ZERO : found < value;
    if (isBelow) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Colours the codes of [from, to); those without a value keep what they have. */
function bakeCodes(
  table: Uint32Array,
  from: number,
  to: number,
  coordinates: Float32Array,
  { ramp, slope, offset }: PlacedRamp,
): void {
  const last = RAMP_LENGTH - 1;
  for (let code = from; code < to; code++) {
    const coordinate = coordinates[code] ?? NaN;
    if (coordinate !== coordinate) continue;
    const share = coordinate * slope + offset;
    const entry = share >= 1 ? last : share > 0 ? (share * last + 0.5) | 0 : 0;
    table[code] = ramp[entry] ?? 0;
  }
}

/**
 * [65536] the packed colour of every code. "Not reported" is 0, transparent black: who
 * draws puts the hatching there. Rebuilt when scale or theme change, not when data does;
 * while an end of the scale is dragged that is every frame, into the table of the last one.
 */
export function bakeColourTable(
  scale: ColourScale,
  theme: ThemeName,
  nonFiniteColour: string,
  table: Uint32Array = new Uint32Array(CODE_COUNT),
): Uint32Array {
  const coordinates = coordinatesOfCodes(scale);
  const { below, above, from } = rampsOf(scale, theme);
  const firstAbove = codeFrom(from);
  bakeCodes(table, 1, firstAbove, coordinates, below);
  bakeCodes(table, firstAbove, CODE_NON_FINITE, coordinates, above);
  // An exact zero is the lowest blue on a log scale: farther below ε than any value.
  if (scale.kind === 'log') table[CODE_ZERO] = colourRamp(theme, 'below')[0] ?? 0;
  table[CODE_NON_FINITE] = packHex(nonFiniteColour);
  return table;
}
