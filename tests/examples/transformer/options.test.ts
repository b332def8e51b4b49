import { describe, expect, it } from 'vitest';
import { UsageError, parseTrainOptions, usage } from '@/examples/transformer/options';

describe('parseTrainOptions', () => {
  it('trains on new batches with a small ε unless told otherwise', () => {
    expect(parseTrainOptions([], {})).toMatchObject({
      url: 'http://127.0.0.1:3000',
      depth: 6,
      batches: 0,
      epsilon: 1e-8,
      provoke: false,
    });
  });

  it('provokes with one batch and a large ε, each still to be overridden', () => {
    expect(parseTrainOptions(['--provoke'], {})).toMatchObject({
      provoke: true,
      batches: 1,
      epsilon: 1e-5,
      weightDecay: 0,
    });
    expect(parseTrainOptions(['--provoke', '--epsilon', '1e-7'], {})).toMatchObject({
      epsilon: 1e-7,
      batches: 1,
    });
  });

  it('posts to the server of the environment unless told of another', () => {
    const environment = {
      SPIKESCOPE_URL: 'https://spikes.example.org',
      SPIKESCOPE_TOKEN: 'theirs',
    };
    expect(parseTrainOptions([], environment)).toMatchObject({
      url: 'https://spikes.example.org',
      token: 'theirs',
    });
    const args = ['--url', 'http://127.0.0.1:3001', '--token', 'mine'];
    expect(parseTrainOptions(args, environment)).toMatchObject({
      url: 'http://127.0.0.1:3001',
      token: 'mine',
    });
  });

  it.each([
    [['--beta1', '1'], '--beta1: expected a number of at least 0 and below 1, got "1"'],
    [['--depth', '0'], '--depth: expected a whole number of at least 1, got "0"'],
    [['--steps', '1.5'], '--steps: expected a whole number of at least 1, got "1.5"'],
    [['--epsilon', 'small'], '--epsilon: expected a number of at least 0, got "small"'],
    [['--heads', '3'], '--heads: expected a divisor of the width 64, got 3'],
    [['--resume'], '--resume: expected --run-id beside it'],
    [['--deep', '3'], '--deep'],
  ])('names what is wrong with %j', (args, message) => {
    expect(() => parseTrainOptions(args, {})).toThrow(UsageError);
    expect(() => parseTrainOptions(args, {})).toThrow(message);
  });

  it('explains every flag', () => {
    expect(parseTrainOptions(['--help'], {})).toBe('help');
    expect(usage()).toMatch(/--provoke .*spike/);
    expect(usage()).toMatch(/--epsilon .*\(1e-8, 0\.00001 with --provoke\)/);
  });
});
