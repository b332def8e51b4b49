import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import type { Layer } from '../../../../lib/contract/runs';
import { CsvLines } from './recorded-csv';
import { type RecordedStep, layersOfLine, mapRecordedLine } from './recorded-line';
import { type RecordingDescription, UNDESCRIBED, parseDescription } from './recording-description';

export type RecordingItem =
  | { readonly kind: 'step'; readonly step: RecordedStep }
  | { readonly kind: 'fault'; readonly lineNumber: number; readonly message: string };

export interface Recording {
  readonly description: RecordingDescription;
  readonly layers: readonly Layer[];
  /** The steps in the order of the file; a line that is none is a fault of its own. */
  readonly items: AsyncIterable<RecordingItem>;
}

type ParsedLine =
  | { readonly kind: 'value'; readonly lineNumber: number; readonly value: unknown }
  | {
      readonly kind: 'fault';
      readonly lineNumber: number;
      readonly message: string;
      /** The line could not be read; false where it could and is no step. */
      readonly isOfFile: boolean;
    };

/** The file, or the description beside it, is no recording; its message names what was expected. */
export class NoRecording extends Error {}

const SUFFIX = /(\.jsonl|\.json|\.ndjson|\.csv)?(\.gz)?$/;

/** The name of a recording without folder and suffixes. */
export function nameOfRecording(path: string): string {
  const file = path.split(/[\\/]/).at(-1) ?? path;
  return file.replace(SUFFIX, '');
}

/**
 * Opens JSON lines or a CSV log, plain or gzip, with the description beside it where
 * there is one (`NAME.meta.json` for `NAME.jsonl.gz`). Streams: only one line is held.
 *
 * Throws  NoRecording when the file cannot be read, or its first line or its description is
 *         none
 */
export async function readRecording(path: string): Promise<Recording> {
  const description = await readDescription(`${path.replace(SUFFIX, '')}.meta.json`);
  const lines = parseLines(path);
  const first = await lines.next();
  if (first.done === true) {
    throw new NoRecording(`${path}: expected at least one step, it is empty`);
  }
  const begin = first.value;
  if (begin.kind === 'fault') {
    const expected = 'Expected a JSON object a line, or in a .csv a header with a column step.';
    throw new NoRecording(
      begin.isOfFile
        ? `${path}: ${begin.message}`
        : `${path}, line ${begin.lineNumber}: ${begin.message}. ${expected}`,
    );
  }
  const layers = description.layers ?? layersOfLine(begin.value);
  const layerIndex = new Map(layers.map(({ name }, index) => [name, index]));
  return { description, layers, items: mapLines(begin, lines, layerIndex) };
}

async function readDescription(path: string): Promise<RecordingDescription> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return UNDESCRIBED;
  try {
    return parseDescription(text);
  } catch (error) {
    throw new NoRecording(`${path}: ${messageOf(error)}`);
  }
}

async function* parseLines(path: string): AsyncGenerator<ParsedLine, undefined> {
  const csv = path.replace(/\.gz$/, '').endsWith('.csv') ? new CsvLines() : null;
  let lineNumber = 0;
  try {
    for await (const line of readLines(path)) {
      lineNumber += 1;
      if (line.trim() === '') continue;
      const parsed = parseLine(line, lineNumber, csv);
      if (parsed !== null) yield parsed;
    }
  } catch (error) {
    // A file that breaks off (a truncated gzip) keeps the steps before the break.
    yield { kind: 'fault', lineNumber: lineNumber + 1, message: messageOf(error), isOfFile: true };
  }
  return undefined;
}

/** Lines without their ends. Not node:readline, which keeps a stream's error to itself. */
async function* readLines(path: string): AsyncGenerator<string, undefined> {
  const file = createReadStream(path);
  const bytes = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // `pipe` does not pass errors on.
  if (bytes !== file) file.on('error', (error) => bytes.destroy(error));
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bytes) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('expected bytes');
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
  return undefined;
}

function parseLine(line: string, lineNumber: number, csv: CsvLines | null): ParsedLine | null {
  try {
    const value: unknown = csv === null ? JSON.parse(line) : csv.parse(line);
    return value === null ? null : { kind: 'value', lineNumber, value };
  } catch (error) {
    return { kind: 'fault', lineNumber, message: messageOf(error), isOfFile: false };
  }
}

async function* mapLines(
  first: ParsedLine,
  rest: AsyncGenerator<ParsedLine, undefined>,
  layerIndex: ReadonlyMap<string, number>,
): AsyncGenerator<RecordingItem> {
  yield mapLine(first, layerIndex);
  for await (const line of rest) yield mapLine(line, layerIndex);
}

function mapLine(line: ParsedLine, layerIndex: ReadonlyMap<string, number>): RecordingItem {
  if (line.kind === 'fault') {
    return { kind: 'fault', lineNumber: line.lineNumber, message: line.message };
  }
  try {
    return { kind: 'step', step: mapRecordedLine(line.value, layerIndex) };
  } catch (error) {
    return { kind: 'fault', lineNumber: line.lineNumber, message: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
