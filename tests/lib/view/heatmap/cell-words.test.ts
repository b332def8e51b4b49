import { describe, expect, it } from 'vitest';
import { describeCell } from '@/lib/view/heatmap/cell-words';

const cell = {
  stepText: '317',
  layer: 'h.0.mlp',
  metric: 'gradient norm',
  value: 0.8591,
  stage: 'healthy',
};

describe('a cell that is read out', () => {
  it('has layer, step, value and stage', () => {
    expect(describeCell(cell)).toBe('Step 317, layer h.0.mlp, gradient norm 0.859, stage healthy.');
  });

  it('says in words what is no number', () => {
    expect(describeCell({ ...cell, value: 'non_finite' })).toContain('gradient norm not finite');
    expect(describeCell({ ...cell, value: null })).toContain('gradient norm not reported');
  });

  it('leaves out what the run does not have', () => {
    expect(describeCell({ ...cell, stage: null, metric: null })).toBe('Step 317, layer h.0.mlp.');
  });

  it('writes the value as its metric is written', () => {
    const words = describeCell({ ...cell, metric: 'stage', value: 3, format: (n) => `no. ${n}` });
    expect(words).toContain('stage no. 3');
  });
});
