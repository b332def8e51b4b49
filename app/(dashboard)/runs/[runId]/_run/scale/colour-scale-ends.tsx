'use client';

import { useEffect, useRef } from 'react';
import { moveColourEnd, type ColourRange } from '@/lib/view/colours/colour-range';
import { positionOnScale, type ColourScale } from '@/lib/view/colours/colour-scale';
import { formatNumber } from '@/lib/view/text/format-number';
import type { ColourMotion } from '../model/colour-motion';
import styles from './colour-scale-bar.module.css';

/** One press of an arrow key, as a share of the scale; Shift: five. */
const KEY_SHARE = 0.02;
const ENDS = ['low', 'high'] as const;

/** The two ends of a colour scale: dragged or moved by the arrow keys, fitted again by a double click. */
export function ColourScaleEnds({
  scale,
  width,
  motion,
  valueText = formatNumber,
  onRange,
  onReset,
}: {
  readonly scale: ColourScale;
  readonly width: number;
  /** Takes the range while an end is dragged. */
  readonly motion: ColourMotion;
  /** How a value is read out. */
  readonly valueText?: (value: number) => string;
  /** Takes it once it is let go, or moved by a key. */
  readonly onRange: (range: ColourRange) => void;
  readonly onReset: () => void;
}) {
  // Positions count on the scale as it was when the drag began: it does not run from the pointer.
  const grip = useRef<{ readonly x: number; readonly scale: ColourScale } | null>(null);
  useEffect(() => () => void motion.end(), [motion]);
  const letGo = () => {
    grip.current = null;
    const range = motion.end();
    if (range !== null) onRange(range);
  };
  return ENDS.map((end) => {
    const value = end === 'low' ? scale.low : scale.high;
    const home = end === 'low' ? 0 : 1;
    return (
      <div
        key={end}
        role="slider"
        tabIndex={0}
        className={styles['end']}
        style={{ left: home * width }}
        aria-label={end === 'low' ? 'Lower end of the colours' : 'Upper end of the colours'}
        aria-valuenow={value}
        aria-valuetext={valueText(value)}
        title="Drag to set this end of the colours; double-click fits them again"
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          grip.current = { x: event.clientX, scale };
        }}
        onPointerMove={(event) => {
          if (grip.current === null || width === 0) return;
          const moved = (event.clientX - grip.current.x) / width;
          if (moved === 0 && motion.get() === null) return;
          motion.move(moveColourEnd(grip.current.scale, end, home + moved));
        }}
        onPointerUp={letGo}
        onPointerCancel={letGo}
        onDoubleClick={onReset}
        onKeyDown={(event) => {
          const direction =
            event.key === 'ArrowRight' || event.key === 'ArrowUp'
              ? 1
              : event.key === 'ArrowLeft' || event.key === 'ArrowDown'
                ? -1
                : 0;
          if (direction === 0) return;
          event.preventDefault();
          event.stopPropagation();
          const by = direction * KEY_SHARE * (event.shiftKey ? 5 : 1);
          onRange(moveColourEnd(scale, end, positionOnScale(scale, value) + by));
        }}
      />
    );
  });
}
