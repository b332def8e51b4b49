import { describe, expect, it } from 'vitest';
import { findIgnoredFields } from '@/lib/contract/ignored-fields';
import { createRunSchema } from '@/lib/contract/runs';

const layer = (name: string, more: object = {}) => ({ name, parameterCount: 1, ...more });
const ignoredOf = (body: object): readonly string[] =>
  findIgnoredFields(body, createRunSchema.parse(body));

describe('fields that a schema leaves out', () => {
  it('are told with their path, of a list the first item alone', () => {
    const body = {
      project: 'p',
      resumeFrom: 3,
      optimizer: { name: 'adamw', weight_decay: 0.1 },
      layers: [layer('a'), layer('b', { paramCount: 2 }), layer('c', { paramCount: 2, dept: 1 })],
    };
    expect(ignoredOf(body)).toEqual([
      'resumeFrom',
      'optimizer.weight_decay',
      'layers.1.paramCount',
      'layers.2.dept',
    ]);
  });

  it('are none in what a job chose to keep, nor where all are known', () => {
    const config = { anything: { of: [{ the: 'job' }] } };
    const body = { project: 'p', optimizer: { name: 'sgd' }, layers: [layer('a')], config };
    expect(ignoredOf(body)).toEqual([]);
  });

  it('are told up to a bound', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`field${at}`, at]));
    const body = { project: 'p', optimizer: { name: 'sgd' }, layers: [], ...many };
    expect(ignoredOf(body)).toHaveLength(64);
  });
});
