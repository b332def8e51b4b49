import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
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

  it('touches no other file when a full one cannot be put aside, and goes on once it can', async () => {
    const { output, logPath, shown } = open(false);
    const stream = new PassThrough();
    output.attach(stream, 'stdout');
    stream.write(`${'x'.repeat(16 * 1024 * 1024)}\n`);
    // A folder in the place of the older log.
    mkdirSync(join(`${logPath}.1`, 'in the way'), { recursive: true });
    stream.write('lost\n');
    // Gets the number of whatever was closed.
    const other = openSync(join(directory, 'other'), 'w');
    stream.write('lost too\n');
    writeSync(other, 'untouched');
    closeSync(other);
    expect(readFileSync(join(directory, 'other'), 'utf8')).toBe('untouched');
    expect(shown).toEqual([expect.stringContaining('its log cannot be written')]);
    rmSync(`${logPath}.1`, { recursive: true });
    stream.end('kept\n');
    await finished(stream);
    expect(readFileSync(logPath, 'utf8')).toBe('kept\n');
    expect(output.tail()).toMatch(/\nlost\nlost too\nkept$/);
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
