'use client';

import { useEffect } from 'react';
import { showTheme, readTheme, type Theme } from './use-theme';

/** The width of the paper within its margins: 277 mm of A4 across, at CSS' 96 px an inch. */
const PAPER_WIDTH_PX = 1046;

/**
 * Paper is white: while the page is printed it stands in its light theme, canvases too, and
 * is scaled to the paper's width, for charts know their place in pixels of the screen.
 */
export function usePrintTheme(): void {
  useEffect(() => {
    const { style } = document.documentElement;
    let before: Theme | null = null;
    const start = () => {
      if (before !== null) return;
      before = readTheme();
      const { innerWidth } = window;
      style.setProperty('--printed-width', `${innerWidth}px`);
      style.setProperty('--print-zoom', String(Math.min(1, PAPER_WIDTH_PX / innerWidth)));
      showTheme('light');
    };
    const end = () => {
      if (before === null) return;
      showTheme(before);
      before = null;
      style.removeProperty('--printed-width');
      style.removeProperty('--print-zoom');
    };
    const media = window.matchMedia('print');
    const onChange = () => (media.matches ? start() : end());
    window.addEventListener('beforeprint', start);
    window.addEventListener('afterprint', end);
    media.addEventListener('change', onChange);
    return () => {
      window.removeEventListener('beforeprint', start);
      window.removeEventListener('afterprint', end);
      media.removeEventListener('change', onChange);
      end();
    };
  }, []);
}
