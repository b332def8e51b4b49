import type { Frame, HistogramFrame } from '@/lib/contract/frame';

export interface FrameParts {
  readonly loss?: number;
  readonly scalars?: Readonly<Record<string, number>>;
  readonly wallTime?: number;
  readonly layers?: Readonly<Record<string, readonly number[]>>;
  readonly histograms?: Readonly<Record<string, HistogramFrame>>;
  readonly layerCount?: number;
}

/** A decoded frame: `gradient_norm` of three layers unless said otherwise. */
export function aFrame(step: number, parts: FrameParts = {}): Frame {
  const layers = parts.layers ?? { gradient_norm: [1, 2, 3] };
  const layerMetrics = new Map(
    Object.entries(layers).map(([name, values]) => [name, Float32Array.from(values)]),
  );
  const scalars = new Map(Object.entries(parts.scalars ?? {}));
  if (parts.loss !== undefined) scalars.set('loss', parts.loss);
  return {
    step,
    wallTime: parts.wallTime ?? null,
    scalars,
    layerCount: parts.layerCount ?? [...layerMetrics.values()][0]?.length ?? 0,
    layerMetrics,
    histograms: new Map(Object.entries(parts.histograms ?? {})),
    samples: null,
  };
}
