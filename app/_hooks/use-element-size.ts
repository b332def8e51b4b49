'use client';

import { useCallback, useState } from 'react';

export interface ElementSize {
  /** CSS pixels, whole. */
  readonly width: number;
  readonly height: number;
  readonly devicePixelRatio: number;
}

/** The content size of an element and the screen's pixel ratio; null before it is known. */
export function useElementSize(): readonly [
  (element: HTMLElement | null) => (() => void) | undefined,
  ElementSize | null,
] {
  const [size, setSize] = useState<ElementSize | null>(null);
  const ref = useCallback((element: HTMLElement | null) => {
    if (element === null) return;
    const measure = () => {
      const next = {
        width: Math.floor(element.clientWidth),
        height: Math.floor(element.clientHeight),
        devicePixelRatio: window.devicePixelRatio,
      };
      setSize((before) =>
        before !== null &&
        before.width === next.width &&
        before.height === next.height &&
        before.devicePixelRatio === next.devicePixelRatio
          ? before
          : next,
      );
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    window.addEventListener('resize', measure);
    return () => {
      observer.disconnect();
      window.removeEventListener('resize', measure);
    };
  }, []);
  return [ref, size];
}
