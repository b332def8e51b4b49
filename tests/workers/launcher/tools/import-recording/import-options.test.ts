import { describe, expect, it } from 'vitest';
import { parseImportOptions } from '@/workers/launcher/tools/import-recording/import-options';
import { UsageError } from '@/workers/launcher/tools/usage-error';

describe('parseImportOptions', () => {
  it('names the run after the file', () => {
    expect(parseImportOptions(['logs/B_spike (1).jsonl.gz'], {})).toEqual({
      file: 'logs/B_spike (1).jsonl.gz',
      url: 'http://127.0.0.1:3000',
      token: undefined,
      project: 'imported',
      id: 'B_spike-1-',
      name: 'B_spike-1-',
      pace: { kind: 'unlimited' },
    });
  });

  it('takes a speed or the recorded pace', () => {
    expect(parseImportOptions(['a.csv', '--speed', '20'], {})).toMatchObject({
      id: 'a',
      pace: { kind: 'steps_per_second', stepsPerSecond: 20 },
    });
    expect(parseImportOptions(['a.csv', '--live'], {})).toMatchObject({
      pace: { kind: 'recorded' },
    });
  });

  it('asks the server of the environment, an option before it', () => {
    const environment = {
      SPIKESCOPE_URL: 'https://spikes.example.org',
      SPIKESCOPE_TOKEN: 'theirs',
    };
    expect(parseImportOptions(['a.csv'], environment)).toMatchObject({
      url: 'https://spikes.example.org',
      token: 'theirs',
    });
    const args = ['a.csv', '--url', 'http://127.0.0.1:3001', '--token', 'mine'];
    expect(parseImportOptions(args, environment)).toMatchObject({
      url: 'http://127.0.0.1:3001',
      token: 'mine',
    });
  });

  it.each([
    [[], 'expected one file, got 0'],
    [['a', 'b'], 'expected one file, got 2'],
    [['a', '--speed', '0'], '--speed: expected steps a second above 0, got "0"'],
    [['a', '--speed', '5', '--live'], 'expected one of them'],
    [['a', '--fast'], '--fast'],
    [['a', '--url', 'localhost:3000'], '--url: expected a URL such as http://127.0.0.1:3000'],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => parseImportOptions(args, {})).toThrow(UsageError);
    expect(() => parseImportOptions(args, {})).toThrow(message);
  });
});
