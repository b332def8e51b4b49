import type { CreateRun } from '@/lib/contract/runs';

/** A run to create: three layers and Adam's usual settings unless said otherwise. */
export function aRun(over: Partial<CreateRun> & { readonly layerCount?: number } = {}): CreateRun {
  const { layerCount = 3, ...rest } = over;
  return {
    project: 'tests',
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
    layers: Array.from({ length: layerCount }, (_, index) => ({
      name: `layer.${index}`,
      parameterCount: 100 + index,
    })),
    ...rest,
  };
}
