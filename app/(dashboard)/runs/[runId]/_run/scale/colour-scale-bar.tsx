'use client';

import { useMemo, useSyncExternalStore, type ReactNode } from 'react';
import { applyColourRange, type ColourRange } from '@/lib/view/colours/colour-range';
import {
  countCodes,
  positionOnScale,
  scaleTicks,
  type ColourScale,
} from '@/lib/view/colours/colour-scale';
import type { ColumnShows } from '@/lib/view/colours/column-shows';
import { colourBar } from '@/lib/view/colours/colour-table';
import { formatPercent } from '@/lib/view/text/format-number';
import { prepareScaleHistogram } from '@/lib/view/colours/scale-histogram';
import { Button } from '@/app/_components/button';
import { TickText } from '@/app/_components/tick-text';
import { useElementSize } from '@/app/_hooks/use-element-size';
import type { Theme } from '@/app/_hooks/use-theme';
import { useThrottled } from '@/app/_hooks/use-throttled';
import type { ColourMotion } from '../model/colour-motion';
import { ColourBar } from './colour-bar';
import { ColourScaleEnds } from './colour-scale-ends';
import styles from './colour-scale-bar.module.css';

const BINS = 64;
/** Millions of cells are counted at once; a curve of all of them does not move faster. */
const COUNT_MS = 1000;
const HISTOGRAM_HEIGHT = 14;
/** The scale leaves a two-thousandth out at its lower end by design; more than that is told. */
const TOLD_SHARE = 0.0006;

const readOnServer = () => null;

/** The colours with their values, how often each occurs, and the level where the hue breaks. */
export function ColourScaleBar({
  scale: settled,
  motion,
  codes,
  version,
  theme,
  shows,
  caption,
  levelCaption,
  choice,
  isManual,
  onRange,
  onRefit,
}: {
  readonly scale: ColourScale;
  readonly motion: ColourMotion;
  readonly codes: Uint16Array;
  readonly version: number;
  readonly theme: Theme;
  /** How the codes are ordered. */
  readonly shows: ColumnShows;
  readonly caption: string;
  /** "below ε is blue", where the level is on the scale. */
  readonly levelCaption: string;
  /** What a column of several steps shows, as a word before the caption. */
  readonly choice: ReactNode;
  /** A person has set the ends. */
  readonly isManual: boolean;
  readonly onRange: (range: ColourRange) => void;
  readonly onRefit: () => void;
}) {
  const moving = useSyncExternalStore(motion.subscribe, motion.get, readOnServer);
  const scale = useMemo(() => applyColourRange(settled, moving), [settled, moving]);
  const [ref, size] = useElementSize();
  const width = size?.width ?? 0;
  const pixels = Math.round(width * (size?.devicePixelRatio ?? 1));
  const countedVersion = useThrottled(version, COUNT_MS);
  // The version stands for what is in `codes`, which grow in place; their memory for the metric.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const counts = useMemo(() => countCodes(codes, shows), [shows, countedVersion, codes.buffer]);
  const histogram = useMemo(() => prepareScaleHistogram(counts, scale, BINS), [counts, scale]);

  const colours = useMemo(() => colourBar(scale, theme, pixels), [scale, theme, pixels]);

  const levelAt = scale.level === null ? null : positionOnScale(scale, scale.level.value);
  const isLevelShown = levelAt !== null && levelAt >= 0 && levelAt <= 1;
  const path = Array.from(histogram.heights, (height, bin) => {
    const y = HISTOGRAM_HEIGHT - Math.sqrt(height) * (HISTOGRAM_HEIGHT - 1);
    return `L${(bin / BINS) * width} ${y}L${((bin + 1) / BINS) * width} ${y}`;
  }).join('');
  const beyond = [
    histogram.belowShare > TOLD_SHARE ? `${formatPercent(histogram.belowShare)} below` : null,
    histogram.aboveShare > 0 ? `${formatPercent(histogram.aboveShare)} above` : null,
  ].filter((part) => part !== null);

  return (
    <figure
      className={styles['scale']}
      data-legend
      aria-label={`Colour scale: ${shows} ${caption}`}
    >
      <figcaption className={styles['caption']}>
        <div className={styles['line']}>
          {choice}
          <span className={styles['name']}>{caption}</span>
        </div>
        {isManual || moving !== null ? (
          <Button variant="link" title="Fit the scale to the values" onClick={onRefit}>
            set by hand
          </Button>
        ) : isLevelShown ? (
          <span>{levelCaption}</span>
        ) : levelAt !== null && levelAt > 1 ? (
          <span>every colour is below {scale.level?.label}</span>
        ) : null}
      </figcaption>
      <div ref={ref} className={styles['bar']}>
        <svg width={width} height={HISTOGRAM_HEIGHT} aria-hidden className={styles['histogram']}>
          <path d={`M0 ${HISTOGRAM_HEIGHT}${path}L${width} ${HISTOGRAM_HEIGHT}Z`} />
        </svg>
        <ColourBar colours={colours} width={width} />
        <ColourScaleEnds
          scale={scale}
          width={width}
          motion={motion}
          onRange={onRange}
          onReset={onRefit}
        />
        {scaleTicks(scale, width).map(({ tick, pixel }) => (
          <span key={tick.value} className={styles['tick']} style={{ left: pixel }}>
            <TickText tick={tick} />
          </span>
        ))}
        {isLevelShown ? (
          <>
            <span className={styles['level']} style={{ left: levelAt * width }} />
            <span className={styles['level_label']} style={{ left: levelAt * width }}>
              {scale.level?.label}
            </span>
          </>
        ) : null}
        {beyond.length === 0 ? null : (
          <button
            type="button"
            className={styles['beyond']}
            style={histogram.aboveShare > 0 ? { right: -14 } : { left: -14 }}
            title={`${beyond.join(', ')} the scale. Fit the scale to all values.`}
            aria-label={`${beyond.join(', ')} the scale. Fit the scale to all values.`}
            onClick={onRefit}
          >
            {histogram.aboveShare > 0 ? '▸' : '◂'}
          </button>
        )}
      </div>
    </figure>
  );
}
