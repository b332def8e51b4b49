import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChildOutput, toConsoleLine } from '@/workers/launcher/child-output';

describe('toConsoleLine', () => {
  it('shows warnings and worse with their error, and keeps the rest for the file', () => {
    expect(toConsoleLine('{"level":30,"msg":"listening"}', 'stdout')).toBeNull();
    expect(toConsoleLine('{"level":40,"msg":"writer lags"}', 'stdout')).toBe('writer lags');
    expect(
      toConsoleLine('{"level":50,"msg":"commit failed","err":{"message":"disk full"}}', 'stdout'),
    ).toBe('commit failed: disk full');
  });

  it('shows what is no log entry only where it was an error output', () => {
    expect(toConsoleLine('Ready in 300ms', 'stdout')).toBeNull();
    expect(toConsoleLine('TypeError: x is not a function', 'stderr')).toBe(
      'TypeError: x is not a function',
    );
    expect(toConsoleLine('{"half":', 'stderr')).toBe('{"half":');
    expect(toConsoleLine('  ', 'stderr')).toBeNull();
  });
});

describe('ChildOutput', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'spikescope-output-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const open = (showsAll: boolean) => {
    const shown: string[] = [];
    const logPath = join(directory, 'logs', 'ingest.log');
    const show = (line: string) => {
      shown.push(line);
    };
    return { shown, logPath, output: new ChildOutput({ logPath, showsAll, show }) };
  };

  it('keeps every line in the file, also one cut by a chunk or without an end', async () => {
    const { output, logPath } = open(false);
    const stream = new PassThrough();
    output.attach(stream, 'stdout');
    stream.write('one\ntw');
    stream.write('o\nthr');
    stream.end('ee');
    await finished(stream);
    expect(readFileSync(logPath, 'utf8')).toBe('one\ntwo\nthree\n');
    expect(output.tail()).toBe('one\ntwo\nthree');
  });

  it('shows all where it is asked to', async () => {
    const { output, shown } = open(true);
    const stream = new PassThrough();
    output.attach(stream, 'stdout');
    stream.end('compiled\n');
    await finished(stream);
    expect(shown).toEqual(['compiled']);
  });

  it('begins a new file at 16 MiB and keeps the one before', async () => {
    const { output, logPath } = open(false);
    const stream = new PassThrough();
    output.attach(stream, 'stdout');
    const megabyte = `${'x'.repeat(1024 * 1024 - 1)}\n`;
    for (let count = 0; count < 18; count += 1) stream.write(megabyte);
    stream.end();
    await finished(stream);
    expect(statSync(`${logPath}.1`).size).toBe(17 * 1024 * 1024);
    expect(statSync(logPath).size).toBe(1024 * 1024);
  });

  it('is readable by its owner alone', async () => {
    const { output, logPath } = open(false);
    const stream = new PassThrough();
    output.attach(stream, 'stderr');
    stream.end('secret\n');
    await finished(stream);
    expect(statSync(logPath).mode & 0o077).toBe(0);
  });
});
