import { describe, expect, it } from 'vitest';
import { matchLayers } from '@/lib/query/match-layers';

const NAMES = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];
const never = (error: unknown): never => {
  throw error;
};

describe('the layers of a rule', () => {
  it('are those whose names the expression finds, or all without one', () => {
    expect([...matchLayers('^h\\.\\d+\\.', NAMES, never)]).toEqual([0, 1, 1, 0]);
    expect([...matchLayers('e', NAMES, never)]).toEqual([1, 0, 0, 1]);
    expect([...matchLayers(undefined, NAMES, never)]).toEqual([1, 1, 1, 1]);
    expect([...matchLayers('.', [], never)]).toEqual([]);
  });

  it('are none where the expression would backtrack for hours, and it says so', () => {
    const failures: unknown[] = [];
    const name = `${'a'.repeat(64)}!`;
    const mask = matchLayers('^(a+)+$', [name], (error) => failures.push(error));
    expect([...mask]).toEqual([0]);
    expect(String(failures[0])).toContain('timed out');
  });
});
