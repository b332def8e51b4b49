'use client';

import { useMemo, useSyncExternalStore } from 'react';
import {
  differenceBar,
  differenceTicks,
  endsOfDifference,
  formatDeviation,
} from '@/lib/view/comparison/difference-scale';
import { Button } from '@/app/_components/button';
import { useElementSize } from '@/app/_hooks/use-element-size';
import type { Theme } from '@/app/_hooks/use-theme';
import type { ColourMotion } from '../model/colour-motion';
import { ColourBar } from './colour-bar';
import { ColourScaleEnds } from './colour-scale-ends';
import type { RunComparison } from '../model/use-comparison';
import styles from './colour-scale-bar.module.css';

/** A number nearer to an end would reach over it. */
const LEAST_END_PX = 8;

const readOnServer = () => null;

/** What the colours of a difference say: the words stand over the side they are of. */
export function DifferenceScaleBar({
  comparison: { scale: settled, otherName, cells, isManual },
  motion,
  caption,
  theme,
  onReach,
}: {
  readonly comparison: RunComparison;
  readonly motion: ColourMotion;
  readonly caption: string;
  readonly theme: Theme;
  /** How far the colours are to reach; null as it fits the cells. */
  readonly onReach: (reach: number | null) => void;
}) {
  const moving = useSyncExternalStore(motion.subscribe, motion.get, readOnServer);
  const scale = useMemo(
    () => (moving === null ? settled : { ...settled, reach: moving.high }),
    [settled, moving],
  );
  const [ref, size] = useElementSize();
  const width = size?.width ?? 0;
  const pixels = Math.round(width * (size?.devicePixelRatio ?? 1));

  const colours = useMemo(() => differenceBar(scale, theme, pixels), [scale, theme, pixels]);

  return (
    <figure
      className={styles['scale']}
      data-legend
      aria-label={`Colours: ${caption} against ${otherName}`}
    >
      <figcaption className={styles['caption']}>
        <span>{caption}</span>
        <span title={otherName}>against {otherName}</span>
      </figcaption>
      <div ref={ref} className={styles['bar']}>
        <p className={styles['sides']} style={{ width }}>
          <span>smaller</span>
          {isManual || moving !== null ? (
            <Button
              variant="link"
              title="Fit the scale to the differences"
              onClick={() => onReach(null)}
            >
              set by hand
            </Button>
          ) : null}
          <span>larger</span>
        </p>
        <ColourBar colours={colours} width={width} />
        {cells === null ? null : (
          <ColourScaleEnds
            scale={endsOfDifference(scale)}
            width={width}
            motion={motion}
            valueText={(value) => formatDeviation(scale.kind, value)}
            onRange={({ high }) => onReach(Number(high.toPrecision(3)))}
            onReset={() => onReach(null)}
          />
        )}
        {differenceTicks(scale)
          .filter(({ position }) => Math.min(position, 1 - position) * width >= LEAST_END_PX)
          .map(({ position, text }) => (
            <span key={text} className={styles['tick']} style={{ left: position * width }}>
              {text}
            </span>
          ))}
      </div>
    </figure>
  );
}
