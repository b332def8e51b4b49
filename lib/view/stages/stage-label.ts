/** How a stage of the paper's process is written: a letter on its colour, and a word. */
export interface StageLabel {
  /** null where there is no chip: the word stands alone. */
  readonly letter: 'H' | 'G' | 'U' | 'C' | 'A' | 'T' | 'X' | 'D' | 'R' | null;
  readonly word: string;
}

const LABELS: ReadonlyMap<string, StageLabel> = new Map([
  ['insufficient_data', { letter: null, word: 'too little data' }],
  ['healthy', { letter: 'H', word: 'Healthy' }],
  ['gradients_vanish', { letter: 'G', word: 'Gradients vanish' }],
  ['update_collapsed', { letter: 'U', word: 'Update collapsed' }],
  ['correlating', { letter: 'C', word: 'Correlating' }],
  ['armed', { letter: 'A', word: 'Armed' }],
  ['trigger', { letter: 'T', word: 'Trigger' }],
  ['explosion', { letter: 'X', word: 'Explosion' }],
  ['decorrelating', { letter: 'D', word: 'Decorrelating' }],
  ['recovering', { letter: 'R', word: 'Recovering' }],
  ['diverged', { letter: null, word: 'Diverged' }],
]);

/** A stage that this page does not know is written as it came. */
export function stageLabel(stage: string): StageLabel {
  return LABELS.get(stage) ?? { letter: null, word: stage };
}
