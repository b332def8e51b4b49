/** The scale under the small heatmap of a postmortem: its colours as the cells have them, and their values. */
import { hexOfPacked, type ThemeName } from '../colours/colour-ramp';
import { colourOfScale, type RasterScale } from './spike-raster';
import { logTicks, type Tick } from '../axes/ticks';

export interface SpikeScale {
  /** CSS colours of equal parts, from the smallest value to the largest. */
  readonly colours: readonly string[];
  /** Shares of the width. */
  readonly ticks: readonly { readonly tick: Tick; readonly share: number }[];
  /** Where the hue breaks; null where the level lies outside or there is none. */
  readonly levelShare: number | null;
}

/** More cannot be told apart on 264 px. */
const PARTS = 88;
const MOST_TICKS = 6;
/** A tick nearer to the level than this would run into its name. */
const CLEAR_OF_LEVEL = 0.06;

/** null where nothing positive was reported. */
export function prepareSpikeScale(
  scale: Extract<RasterScale, { kind: 'magnitude' }>,
  theme: ThemeName,
): SpikeScale | null {
  const { low, high, level } = scale;
  if (low === null || high === null || !(high > low)) return null;
  const from = Math.log10(low);
  const span = Math.log10(high) - from;
  const shareOf = (value: number): number => (Math.log10(value) - from) / span;
  const colourOf = colourOfScale(scale, theme);
  const levelShare = level !== null && level > low && level < high ? shareOf(level) : null;
  return {
    colours: Array.from({ length: PARTS }, (_, part) =>
      hexOfPacked(colourOf(10 ** (from + ((part + 0.5) / PARTS) * span))),
    ),
    ticks: logTicks(low, high, MOST_TICKS)
      .map((tick) => ({ tick, share: shareOf(tick.value) }))
      .filter(({ share }) => levelShare === null || Math.abs(share - levelShare) >= CLEAR_OF_LEVEL),
    levelShare,
  };
}
