'use client';

import { useEffect, useRef, type MouseEvent } from 'react';
import { colourRamp, packHex } from '@/lib/view/colours/colour-ramp';
import type { DistributionHeatmap } from '@/lib/view/layer/distribution-heatmap';
import { formatNumber, formatStep } from '@/lib/view/text/format-number';
import { CANVAS_COLOURS } from '@/app/_design/canvas-colours';
import { useTheme, type Theme } from '@/app/_hooks/use-theme';
import styles from './distribution-heat.module.css';

/** As high as a ridgeline, so that changing one for the other moves nothing. */
const PLOT_HEIGHT = 306;
const TALLEST_ROW = 14;
const LABEL_HEIGHT = 14;

const percent = (share: number) => `${(share * 100).toFixed(3)}%`;

/** One canvas pixel a cell: the browser enlarges it without smoothing. */
function paint(canvas: HTMLCanvasElement, heatmap: DistributionHeatmap, theme: Theme): void {
  const { steps, columnCount, shades } = heatmap;
  canvas.width = columnCount;
  canvas.height = Math.max(1, steps.length);
  const context = canvas.getContext('2d');
  if (context === null) return;
  const image = context.createImageData(columnCount, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const ramp = colourRamp(theme, 'above');
  const background = packHex(CANVAS_COLOURS[theme].bg);
  shades.forEach((shade, i) => {
    pixels[i] =
      shade === 0 ? background : (ramp[Math.round(shade * (ramp.length - 1))] ?? background);
  });
  context.putImageData(image, 0, 0);
}

/** One distribution over steps as colours, steps downwards, the chosen rows marked. */
export function DistributionHeat({
  heatmap,
  title,
  main,
  others,
  onSelect,
}: {
  readonly heatmap: DistributionHeatmap;
  readonly title: string;
  readonly main: number;
  readonly others: readonly number[];
  readonly onSelect: (step: number) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const { steps, ticks, domain, scale } = heatmap;
  useEffect(() => {
    if (canvas.current !== null) paint(canvas.current, heatmap, theme);
  }, [heatmap, theme]);
  const height = Math.min(PLOT_HEIGHT, steps.length * TALLEST_ROW);
  const rowHeight = height / Math.max(1, steps.length);
  const every = Math.ceil(LABEL_HEIGHT / Math.max(1, rowHeight));
  const onClick = (event: MouseEvent<HTMLCanvasElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const step = steps[Math.floor(((event.clientY - box.top) / box.height) * steps.length)];
    if (step !== undefined) onSelect(step);
  };
  const chosen = [main, ...others].flatMap((step) => {
    const row = steps.indexOf(step);
    return row < 0 ? [] : [{ step, row }];
  });
  const isNearChosen = (row: number) =>
    chosen.some((entry) => Math.abs(entry.row - row) * rowHeight < LABEL_HEIGHT);
  return (
    <figure className={styles['figure']}>
      <figcaption className={styles['title']}>
        {title} <span className={styles['scale']}>0–{formatNumber(scale)}, root scale</span>
      </figcaption>
      <div className={styles['plot']} style={{ height }}>
        <div className={styles['steps']} aria-hidden>
          {steps.map((step, row) =>
            row % every === 0 && !isNearChosen(row) ? (
              <span key={step} style={{ top: (row + 0.5) * rowHeight }}>
                {formatStep(step)}
              </span>
            ) : null,
          )}
          {chosen.map(({ step, row }, index) =>
            // Neighbours of the selected step have no room of their own.
            index > 0 &&
            Math.abs(row - (chosen[0]?.row ?? row)) * rowHeight < LABEL_HEIGHT ? null : (
              <span
                key={step}
                data-emphasis={index === 0 ? 1 : 2}
                style={{ top: (row + 0.5) * rowHeight }}
              >
                {formatStep(step)}
              </span>
            ),
          )}
        </div>
        <div className={styles['cells']}>
          <canvas
            ref={canvas}
            className={styles['canvas']}
            role="img"
            aria-label={`${title} as colours, steps ${formatStep(steps[0] ?? null)} to ${formatStep(steps.at(-1) ?? null)} downwards, step ${formatStep(main)} selected`}
            onClick={onClick}
          />
          {chosen.map(({ step, row }, index) => (
            <span
              key={step}
              className={styles['chosen']}
              data-emphasis={index === 0 ? 1 : 2}
              style={{ top: row * rowHeight, height: Math.max(2, rowHeight) }}
              aria-hidden
            />
          ))}
        </div>
      </div>
      <div className={styles['axis']} aria-hidden>
        {ticks.map(({ at, label }) => (
          <span key={at} style={{ left: percent((at - domain[0]) / (domain[1] - domain[0])) }}>
            {label}
          </span>
        ))}
      </div>
    </figure>
  );
}
