import type { SpecialCell } from '@/lib/view/heatmap/special-cells';
import type { Theme } from '@/app/_hooks/use-theme';

/** Signs over cells that are large enough for one, in device pixels. */
export function drawSigns(
  context: CanvasRenderingContext2D,
  signs: readonly SpecialCell[],
  isRight: boolean,
  theme: Theme,
  devicePixelRatio: number,
): void {
  context.lineWidth = 1.2 * devicePixelRatio;
  for (const { kind, stepPixel, layerPixel, size } of signs) {
    const x = isRight ? stepPixel : layerPixel;
    const y = isRight ? layerPixel : stepPixel;
    const reach = Math.min(4 * devicePixelRatio, size / 4);
    context.beginPath();
    if (kind === 'non_finite') {
      context.strokeStyle = theme === 'dark' ? '#000000' : '#ffffff';
      context.moveTo(x - reach, y - reach);
      context.lineTo(x + reach, y + reach);
      context.moveTo(x + reach, y - reach);
      context.lineTo(x - reach, y + reach);
    } else {
      context.strokeStyle = theme === 'dark' ? '#8fb4dc' : '#2b6a94';
      context.arc(x, y, reach * 0.8, 0, 2 * Math.PI);
    }
    context.stroke();
  }
}
