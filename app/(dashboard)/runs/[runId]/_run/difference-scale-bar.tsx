'use client';

import { useEffect, useRef } from 'react';
import { colourOfDeviation, differenceTicks } from '@/lib/view/difference-scale';
import { useElementSize } from '@/app/_hooks/use-element-size';
import type { Theme } from '@/app/_hooks/use-theme';
import type { RunComparison } from './use-comparison';
import styles from './colour-scale-bar.module.css';

const BAR_HEIGHT = 10;
/** A number nearer to an end would reach over it. */
const LEAST_END_PX = 8;

/** What the colours of a difference say: the words stand over the side they are of. */
export function DifferenceScaleBar({
  comparison: { scale, otherName },
  caption,
  theme,
}: {
  readonly comparison: RunComparison;
  readonly caption: string;
  readonly theme: Theme;
}) {
  const [ref, size] = useElementSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = size?.width ?? 0;
  const pixels = Math.round(width * (size?.devicePixelRatio ?? 1));

  useEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (context === null || context === undefined || pixels === 0) return;
    const image = context.createImageData(pixels, 1);
    const row = new Uint32Array(image.data.buffer);
    for (let x = 0; x < pixels; x++) {
      const deviation = (((x + 0.5) / pixels) * 2 - 1) * scale.reach;
      row[x] = colourOfDeviation(scale, theme, deviation);
    }
    context.putImageData(image, 0, 0);
  }, [scale, theme, pixels]);

  return (
    <figure
      className={styles['scale']}
      data-legend
      aria-label={`Colours: ${caption} against ${otherName}`}
    >
      <figcaption className={styles['caption']}>
        {caption}
        <span title={otherName}>against {otherName}</span>
      </figcaption>
      <div ref={ref} className={styles['bar']}>
        <p className={styles['sides']} style={{ width }}>
          <span>smaller</span>
          <span>larger</span>
        </p>
        <canvas
          ref={canvas}
          width={pixels}
          height={1}
          aria-hidden
          style={{ width, height: BAR_HEIGHT, display: 'block' }}
        />
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
