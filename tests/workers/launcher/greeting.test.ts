import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { greeting } from '@/workers/launcher/greeting';

const URL = 'http://127.0.0.1:3001';

/** The command that makes a token, as it is printed. */
function tokenCommandOf(text: string): string | undefined {
  return /# (.*npm run token.*)$/m.exec(text)?.[1];
}

describe('greeting', () => {
  it('asks for no token where none is required', () => {
    const text = greeting(URL, { requireTokens: false, dataDir: '.data-second' });
    expect(text).toContain(`Spikescope is ready: ${URL}`);
    expect(text).not.toMatch(/token|Authorization/i);
  });

  it('makes the token in this product, not in the one of the usual data folder', () => {
    const command = (dataDir: string | undefined) =>
      tokenCommandOf(greeting(URL, { requireTokens: true, dataDir }));
    const usual = 'npm run token -- create --project first-light --scope ingest';
    expect(command(undefined)).toBe(usual);
    expect(command('')).toBe(usual);
    expect(command('.data-second')).toBe(`SPIKESCOPE_DATA_DIR=.data-second ${usual}`);
  });

  it.each(['/srv/our data', "it's here", '$HOME/"x"'])('quotes the folder %s', (dataDir) => {
    const line = tokenCommandOf(greeting(URL, { requireTokens: true, dataDir }));
    const print = line?.replace(/npm run token.*/, 'printenv SPIKESCOPE_DATA_DIR');
    expect(execFileSync('sh', ['-c', print ?? '']).toString()).toBe(`${dataDir}\n`);
  });
});
