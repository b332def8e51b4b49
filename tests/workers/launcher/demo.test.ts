import { describe, expect, it } from 'vitest';
import { findRunId } from '@/workers/launcher/demo';

describe('findRunId', () => {
  it('finds the run that the arguments name, in either form', () => {
    expect(findRunId(['--provoke', '--run-id', 'mine'])).toBe('mine');
    expect(findRunId(['--run-id=mine', '--steps', '5'])).toBe('mine');
  });

  it('finds none where they name none, whatever else they hold', () => {
    expect(findRunId([])).toBeNull();
    expect(findRunId(['--steps', '5', '--provoke'])).toBeNull();
  });
});
