import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';

/** Two files of this size a process: weeks of an idle product, and no full disk after a noisy night. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** What is shown of a process that died: enough for a stack and the line before it. */
const TAIL_LINES = 30;
/** pino's number for a warning. */
const WARN_LEVEL = 40;

/**
 * An append-only log that becomes `<path>.1` when it has grown to 16 MiB. Written at once:
 * what a process said just before it died must be there when somebody looks.
 */
class RotatingLog {
  readonly #path: string;
  #file: number;
  #sizeBytes: number;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a', 0o600);
    this.#sizeBytes = fstatSync(this.#file).size;
  }

  write(line: string): void {
    if (this.#sizeBytes > MAX_LOG_BYTES) {
      // Closed last: where either call fails, its number must not become another file's.
      if (existsSync(this.#path)) renameSync(this.#path, `${this.#path}.1`);
      const next = openSync(this.#path, 'a', 0o600);
      closeSync(this.#file);
      this.#file = next;
      this.#sizeBytes = 0;
    }
    this.#sizeBytes += writeSync(this.#file, `${line}\n`);
  }
}

/** What a person is told of a log line; null for one that only the file keeps. */
export function toConsoleLine(line: string, source: 'stdout' | 'stderr'): string | null {
  const entry = parseLogEntry(line);
  if (entry === null) return source === 'stderr' && line.trim() !== '' ? line : null;
  return entry.level >= WARN_LEVEL ? entry.message : null;
}

function parseLogEntry(line: string): { level: number; message: string } | null {
  if (!line.startsWith('{')) return null;
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof entry !== 'object' || entry === null) return null;
  if (!('level' in entry) || typeof entry.level !== 'number') return null;
  const message = 'msg' in entry && typeof entry.msg === 'string' ? entry.msg : line;
  return { level: entry.level, message: `${message}${describeError(entry)}` };
}

function describeError(entry: object): string {
  if (!('err' in entry) || typeof entry.err !== 'object' || entry.err === null) return '';
  return 'message' in entry.err && typeof entry.err.message === 'string'
    ? `: ${entry.err.message}`
    : '';
}

/**
 * Keeps all that a process says in its log file and the last lines at hand, and hands the
 * lines a person should see to `show`.
 */
export class ChildOutput {
  readonly #log: RotatingLog;
  readonly #show: (line: string) => void;
  readonly #showsAll: boolean;
  readonly #tail: string[] = [];
  #isLogBroken = false;

  constructor(options: { logPath: string; showsAll: boolean; show: (line: string) => void }) {
    this.#log = new RotatingLog(options.logPath);
    this.#show = options.show;
    this.#showsAll = options.showsAll;
  }

  attach(stream: Readable, source: 'stdout' | 'stderr'): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line, source);
    });
    stream.on('end', () => {
      if (rest !== '') this.#take(rest, source);
    });
  }

  #take(line: string, source: 'stdout' | 'stderr'): void {
    this.#keep(line);
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    const shown = this.#showsAll ? line : toConsoleLine(line, source);
    if (shown !== null) this.#show(shown);
  }

  /** A full disk must not take the product down with it; it is said once. */
  #keep(line: string): void {
    try {
      this.#log.write(line);
      this.#isLogBroken = false;
    } catch (error) {
      if (!this.#isLogBroken) this.#show(`its log cannot be written: ${String(error)}`);
      this.#isLogBroken = true;
    }
  }

  /** The last lines, oldest first. */
  tail(): string {
    return this.#tail.join('\n');
  }
}
