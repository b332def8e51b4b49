import { describe, expect, it } from 'vitest';
import { groupLayers } from '@/lib/view/axes/layer-groups';
import { shortLayerNames } from '@/lib/view/axes/layer-names';
import { layerTypes } from '@/lib/view/axes/layer-types';
import { selectLayers } from '@/lib/view/axes/select-layers';

const GPT2 = [
  'transformer.wte.weight',
  'transformer.wpe.weight',
  'transformer.h.0.ln_1.weight',
  'transformer.h.0.ln_1.bias',
  'transformer.h.1.ln_1.weight',
  'transformer.ln_f.weight',
  'lm_head.weight',
];

describe('layer names', () => {
  it('lose the shared wrapper and .weight', () => {
    expect(shortLayerNames(GPT2)).toEqual([
      'wte',
      'wpe',
      'h.0.ln_1',
      'h.0.ln_1.bias',
      'h.1.ln_1',
      'ln_f',
      'lm_head',
    ]);
  });

  it('stay whole where shortening would make two alike', () => {
    expect(shortLayerNames(['a', 'a.weight', 'b.weight'])).toEqual(['a', 'a.weight', 'b']);
  });

  it('keep wrappers that differ', () => {
    const names = ['encoder.layers.0.w', 'decoder.layers.0.w'];
    expect(shortLayerNames(names)).toEqual(names);
  });
});

describe('layer groups', () => {
  it('are emb, the blocks and out', () => {
    const groups = groupLayers(shortLayerNames(GPT2));
    expect(groups).toEqual([
      { label: 'emb', start: 0, end: 2 },
      { label: 'h.0', start: 2, end: 4 },
      { label: 'h.1', start: 4, end: 5 },
      { label: 'out', start: 5, end: 7 },
    ]);
  });

  it('are first words without blocks', () => {
    expect(groupLayers(['conv.a', 'conv.b', 'head']).map(({ label }) => label)).toEqual([
      'conv',
      'head',
    ]);
    expect(groupLayers([])).toEqual([]);
  });
});

describe('layer selection', () => {
  const names = ['h.10.a', 'h.2.a', 'wte'];
  it('orders layers by type and by who moved first', () => {
    const layers = ['wte', 'h.0.attn', 'h.0.mlp', 'h.1.attn', 'h.1.mlp'];
    const types = layerTypes([{}, {}, {}, {}, { kind: 'ffn' }], layers);
    expect(types).toEqual(['wte', 'attn', 'mlp', 'attn', 'ffn']);
    const moverSteps = new Map([
      [4, 310],
      [2, 305],
    ]);
    const order = (by: 'type' | 'first_mover') =>
      selectLayers(layers, '', by, { types, moverSteps }).indices;
    expect(order('type')).toEqual([0, 1, 3, 2, 4]);
    expect(order('first_mover')).toEqual([2, 4, 0, 1, 3]);
  });

  it('orders by name with numbers as numbers', () => {
    expect(selectLayers(names, '', 'name').indices).toEqual([1, 0, 2]);
    expect(selectLayers(names, '', 'model').indices).toEqual([0, 1, 2]);
  });

  it('filters by text and by expression', () => {
    expect(selectLayers(names, 'H.', 'model').indices).toEqual([0, 1]);
    expect(selectLayers(names, '/^wt|0\\./', 'model').indices).toEqual([0, 2]);
  });

  it('says what is wrong with an expression and shows all', () => {
    const selection = selectLayers(names, '/(/', 'model');
    expect(selection.error).toMatch(/Unterminated group/);
    expect(selection.indices).toHaveLength(3);
  });
});
