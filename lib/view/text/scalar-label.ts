/** How scalars are called in menus and beside timelines; a custom one by its own name. */
const LABELS: Readonly<Record<string, string>> = {
  gradient_norm: 'Grad norm',
  learning_rate: 'Learning rate',
  stability_ratio: 'Stability',
  preconditioned_sharpness: 'Sharpness',
  wall_time: 'Wall time',
  tokens: 'Tokens',
  batch_size: 'Batch size',
};

export function scalarLabel(name: string): string {
  return LABELS[name] ?? name;
}
