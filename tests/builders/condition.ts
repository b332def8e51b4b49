import type { LayerNow, RunCondition } from '@/lib/view/outlook/run-condition';

/** A healthy run of two layers at step 560, with nothing found and nothing to do. */
export function aCondition(overrides: Partial<RunCondition> = {}): RunCondition {
  return {
    newestStep: 560,
    isLossNonFinite: false,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-5 },
    attempts: [],
    spikes: [],
    events: [],
    warnings: [],
    layers: [aLayerNow(), aLayerNow({ layer: 1 })],
    figures: { rms: [1, 0.98], belowEpsilon: [0, 0.1], ratioDip: [0.001, 0.002] },
    stability: null,
    schedule: null,
    tenfoldCount: 0,
    layerNames: ['wte', 'h.0.mlp'],
    ...overrides,
  };
}

export function aLayerNow(overrides: Partial<LayerNow> = {}): LayerNow {
  return { layer: 0, stage: 'healthy', label: null, meaning: null, fromStep: 0, ...overrides };
}
