'use client';

import { useEffect, useRef } from 'react';

const BAR_HEIGHT_PX = 10;

/** A scale's colours from one end to the other. */
export function ColourBar({
  colours,
  width,
}: {
  /** One packed colour for each pixel of the screen. */
  readonly colours: Uint32Array;
  /** In CSS pixels. */
  readonly width: number;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (context === null || context === undefined || colours.length === 0) return;
    const image = context.createImageData(colours.length, 1);
    new Uint32Array(image.data.buffer).set(colours);
    context.putImageData(image, 0, 0);
  }, [colours]);

  return (
    <canvas
      ref={canvas}
      width={colours.length}
      height={1}
      aria-hidden
      style={{ width, height: BAR_HEIGHT_PX, display: 'block' }}
    />
  );
}
