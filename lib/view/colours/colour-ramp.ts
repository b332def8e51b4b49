import { mixOklab, oklabFromHex, rgbFromOklab } from './oklab';

/**
 * The colour ramps of the visual direction, interpolated in OKLab and baked once to
 * tables of 256 colours. `below` and `above` are two tables, so that the hue breaks
 * exactly at the reference level and nowhere near it.
 */
export type ThemeName = 'dark' | 'light';
export type RampName = 'below' | 'above' | 'strip' | 'diverging';

interface Stop {
  readonly at: number;
  readonly colour: string;
}

const evenly = (colours: readonly string[]): readonly Stop[] =>
  colours.map((colour, index) => ({ at: index / (colours.length - 1), colour }));

const ABOVE_STOPS = [0, 0.3, 0.52, 0.72, 0.87, 1];
const above = (colours: readonly string[]): readonly Stop[] =>
  colours.map((colour, index) => ({ at: ABOVE_STOPS[index] ?? 1, colour }));

export const RAMP_STOPS: Readonly<Record<ThemeName, Readonly<Record<RampName, readonly Stop[]>>>> =
  {
    dark: {
      below: evenly(['#0B1E37', '#003D69']),
      above: above(['#3E312D', '#593B33', '#844833', '#C5642B', '#F2A847', '#FEF6CC']),
      strip: evenly(['#202223', '#6F7275', '#F7F8FA']),
      diverging: evenly(['#8FD5FD', '#3577AB', '#242729', '#B45B2E', '#FCBE62']),
    },
    light: {
      below: evenly(['#DEF4FF', '#B0E0FF']),
      above: above(['#EBE6D9', '#E7D7B8', '#E4B478', '#D97230', '#923523', '#2E0D0F']),
      strip: evenly(['#EEEDEA', '#878682', '#13110F']),
      diverging: evenly(['#054980', '#4994C5', '#EEF0F2', '#DC8748', '#812E19']),
    },
  };

export const RAMP_LENGTH = 256;

/** One colour as the 32-bit word that a little-endian canvas buffer holds: ABGR, opaque. */
function packRgb([red, green, blue]: readonly [number, number, number]): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** "#RRGGBB" of a packed colour. */
export function hexOfPacked(packed: number): string {
  const channel = (shift: number) => ((packed >>> shift) & 255).toString(16).padStart(2, '0');
  return `#${channel(0)}${channel(8)}${channel(16)}`;
}

/** The packed colour of "#RRGGBB". */
export function packHex(hex: string): number {
  return packRgb(rgbFromOklab(oklabFromHex(hex)));
}

/** [256] packed colours; entry 0 is the first stop and entry 255 the last, to the bit. */
export function bakeRamp(stops: readonly Stop[]): Uint32Array {
  const table = new Uint32Array(RAMP_LENGTH);
  const labs = stops.map(({ at, colour }) => ({ at, lab: oklabFromHex(colour) }));
  for (let i = 0; i < RAMP_LENGTH; i++) {
    const at = i / (RAMP_LENGTH - 1);
    const upper = Math.max(
      1,
      labs.findIndex((stop) => stop.at >= at),
    );
    const from = labs[upper - 1];
    const to = labs[upper];
    if (from === undefined || to === undefined) throw new Error('a ramp needs two stops');
    table[i] = packRgb(
      rgbFromOklab(mixOklab(from.lab, to.lab, (at - from.at) / (to.at - from.at))),
    );
  }
  return table;
}

const baked = new Map<string, Uint32Array>();

/** The baked table of a ramp; made on first use. */
export function colourRamp(theme: ThemeName, name: RampName): Uint32Array {
  const key = `${theme} ${name}`;
  const known = baked.get(key);
  if (known !== undefined) return known;
  const table = bakeRamp(RAMP_STOPS[theme][name]);
  baked.set(key, table);
  return table;
}
