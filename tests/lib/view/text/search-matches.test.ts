import { describe, expect, it } from 'vitest';
import { searchMatches } from '@/lib/view/text/search-matches';

const item = (label: string, detail = '') => ({ label, detail });
const labels = (typed: string, items: readonly ReturnType<typeof item>[], limit = 9) =>
  searchMatches(items, typed, limit).map(({ label }) => label);

describe('searching by name', () => {
  it('puts names that begin with what was typed first, then words that do, then the rest', () => {
    const items = [item('lm_head'), item('h.0.attn'), item('ahead'), item('head.0')];
    expect(labels('head', items)).toEqual(['head.0', 'lm_head', 'ahead']);
  });

  it('needs every word, in any order, in the name or in what it is', () => {
    const items = [item('h.1.mlp', 'layer 9'), item('h.1.attn', 'layer 8'), item('mlp')];
    expect(labels('mlp h.1', items)).toEqual(['h.1.mlp']);
    expect(labels('layer h.1', items)).toEqual(['h.1.mlp', 'h.1.attn']);
  });

  it('ignores case and spaces around', () => {
    expect(labels('  GRADIENT ', [item('Gradient norm')])).toEqual(['Gradient norm']);
  });

  it('finds names before details', () => {
    const items = [item('wte', 'embedding'), item('embedding.0')];
    expect(labels('embedding', items)).toEqual(['embedding.0', 'wte']);
  });

  it('finds everything, up to the limit, where nothing is typed', () => {
    expect(labels('', [item('a'), item('b'), item('c')], 2)).toEqual(['a', 'b']);
  });

  it('finds nothing where a word is nowhere', () => {
    expect(labels('head nowhere', [item('lm_head')])).toEqual([]);
  });
});
