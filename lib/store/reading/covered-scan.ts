/**
 * A read of rollups and steps in at most three round trips. Rows that must be there are asked
 * for at once. Those that are missing, since they would not have paid or since nothing was
 * reported, are looked for at the levels below: first which there are, then the rows. Where
 * too many would have to be there, as of steps that lie far apart, that is asked at once.
 *
 * Several scans go through their round trips together (`runScans`).
 */
import { bucketSteps, BUCKETS_PER_ROW, rowSteps } from '../compaction/block-layout';
import { type Cover, coverSpans, lowerBound, type RowPiece, type StepSpan } from './cover';
import { Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RowReader } from '../postgres/snapshot';
import type { WindowPart } from './step-window';

export interface Scan {
  /** What to ask next, after the queries before are answered; nothing at the end. */
  nextQueries(): readonly PreparedQuery[];
  /** After the last answer. */
  finish(): void;
}

export async function runScans(reader: RowReader, scans: readonly Scan[]): Promise<void> {
  for (;;) {
    const queries = scans.flatMap((scan) => scan.nextQueries());
    if (queries.length === 0) break;
    await reader.readAll(queries);
  }
  for (const scan of scans) scan.finish();
}

/** A row of a rollup and the pieces of it that are read. */
export interface AskedRow {
  readonly attempt: number;
  readonly level: number;
  readonly block: number;
  readonly pieces: readonly RowPiece[];
}

/** Which entries [from, end) of a row's ascending slots lie in a piece of it. */
export function slotsOf(
  slots: Uint8Array,
  { block, fromBucket, endBucket }: RowPiece,
): { readonly from: number; readonly end: number } {
  const firstBucket = block * BUCKETS_PER_ROW;
  return {
    from: lowerBound(slots, fromBucket - firstBucket),
    end: lowerBound(slots, endBucket - firstBucket),
  };
}

export interface AskedSpan extends StepSpan {
  readonly attempt: number;
}

function rowKey(attempt: number, level: number, block: number): string {
  return `${attempt}/${level}/${block}`;
}

/**
 * Rows that are asked for without knowing that they are there. A dense window of 8,192 columns
 * needs 129; more than these come of a stretch without steps.
 */
const MOST_GUESSED_ROWS = 4096;

function levelKey(attempt: number, level: number): string {
  return `${attempt}/${level}`;
}

function wholeOf({ firstStep, lastStep }: WindowPart): StepSpan {
  return { fromStep: firstStep, endStep: lastStep + 1 };
}

export abstract class CoveredScan implements Scan {
  readonly #topLevel: number;
  #phase: 'whole' | 'keys' | 'rest' | 'done' = 'whole';
  /** Asked for and not seen yet. */
  #asked = new Map<string, AskedRow>();
  #missing = new Map<number, StepSpan[]>();
  /** Blocks by attempt and level, ascending. */
  readonly #keys = new Map<string, number[]>();
  /** Parts whose rows are not guessed. */
  readonly #unguessed = new Set<WindowPart>();

  /** `topLevel`: the highest level to read, -1 for steps alone. */
  constructor(
    protected readonly parts: readonly WindowPart[],
    topLevel: number,
  ) {
    this.#topLevel = topLevel;
  }

  /** The table and the condition of its rows, without attempt, level and block. */
  protected abstract rollupOf(p: Parameters): string;
  protected abstract levelsOf(part: WindowPart): ReadonlySet<number>;
  /** Steps whose rollups say too little. */
  protected abstract staleStepsOf(part: WindowPart): readonly number[];
  /** Where only rollups are left. */
  protected abstract gapsOf(part: WindowPart): readonly StepSpan[];
  /** `keys`: a relation `asked (attempt, level, block)`. Each row that is found goes through `takeRow`. */
  protected abstract rowsQuery(p: Parameters, keys: string): PreparedQuery;
  /** `isFirst`: in the first round trip, to which what no rollup holds belongs. */
  protected abstract spansQueries(spans: readonly AskedSpan[], isFirst: boolean): PreparedQuery[];
  abstract finish(): void;

  nextQueries(): readonly PreparedQuery[] {
    switch (this.#phase) {
      case 'whole':
        this.#phase = 'keys';
        for (const part of this.parts) {
          if (this.#countGuessed(part) > MOST_GUESSED_ROWS) this.#unguessed.add(part);
        }
        return this.#ask((part) =>
          coverSpans(this.#unguessed.has(part) ? [] : [wholeOf(part)], {
            topLevel: this.#topLevel,
            nextRow: (level, block) =>
              this.levelsOf(part).has(level) &&
              block * rowSteps(level) < (part.rolledTo[level] ?? 0)
                ? block
                : null,
            staleSteps: this.staleStepsOf(part),
            gaps: this.gapsOf(part),
          }),
        );
      case 'keys':
        if (this.#asked.size === 0 && this.#unguessed.size === 0) break;
        this.#phase = 'rest';
        return [this.#keysQuery()];
      case 'rest':
        this.#phase = 'done';
        return this.#ask((part) =>
          coverSpans(this.#missing.get(part.attempt) ?? [], {
            topLevel: this.#topLevel,
            nextRow: (level, block, endBlock) => {
              const blocks = this.#keys.get(levelKey(part.attempt, level)) ?? [];
              const next = blocks[lowerBound(blocks, block)] ?? endBlock;
              return next < endBlock ? next : null;
            },
            staleSteps: this.staleStepsOf(part),
            gaps: this.gapsOf(part),
          }),
        );
      case 'done':
        break;
    }
    return [];
  }

  /** How many rows would be asked for on a guess: those of the highest level that has any. */
  #countGuessed(part: WindowPart): number {
    const levels = [...this.levelsOf(part)].filter((level) => level <= this.#topLevel);
    if (levels.length === 0) return 0;
    const level = Math.max(...levels);
    const end = Math.min(part.lastStep + 1, part.rolledTo[level] ?? 0);
    return Math.max(0, end - part.firstStep) / rowSteps(level);
  }

  /** What was asked of a row that has come. */
  protected takeRow(attempt: number, level: number, block: number): AskedRow {
    const key = rowKey(attempt, level, block);
    const asked = this.#asked.get(key);
    if (asked === undefined) throw new Error(`nobody asked for row ${key} of a rollup`);
    this.#asked.delete(key);
    return asked;
  }

  #ask(coverOf: (part: WindowPart) => Cover): PreparedQuery[] {
    const isFirst = this.#phase === 'keys';
    const spans: AskedSpan[] = [];
    this.#asked = new Map();
    for (const part of this.parts) {
      const { attempt } = part;
      const cover = coverOf(part);
      for (const piece of cover.pieces) {
        const { level, block } = piece;
        const key = rowKey(attempt, level, block);
        const before = this.#asked.get(key)?.pieces ?? [];
        this.#asked.set(key, { attempt, level, block, pieces: [...before, piece] });
      }
      for (const span of cover.spans) spans.push({ attempt, ...span });
    }
    const rows = [...this.#asked.values()];
    const queries = this.spansQueries(spans, isFirst);
    if (rows.length > 0) {
      const p = new Parameters();
      queries.unshift(this.rowsQuery(p, keyRelation(p, rows)));
    }
    return queries;
  }

  /** Which rows there are below those that are missing, and of parts that were not guessed. */
  #keysQuery(): PreparedQuery {
    const attempts: number[] = [];
    const levels: number[] = [];
    const firstBlocks: number[] = [];
    const endBlocks: number[] = [];
    const parts = new Map(this.parts.map((part) => [part.attempt, part]));
    this.#missing = new Map();
    for (const { attempt, level, block, pieces } of this.#asked.values()) {
      const width = bucketSteps(level);
      const spans = pieces.map(({ fromBucket, endBucket }) => ({
        fromStep: fromBucket * width,
        endStep: endBucket * width,
      }));
      this.#missing.set(attempt, [...(this.#missing.get(attempt) ?? []), ...spans]);
      const part = parts.get(attempt);
      for (let below = 0; below < level; below++) {
        if (part === undefined || !this.levelsOf(part).has(below)) continue;
        const rowsOfRow = 4 ** (level - below);
        attempts.push(attempt);
        levels.push(below);
        firstBlocks.push(block * rowsOfRow);
        endBlocks.push((block + 1) * rowsOfRow);
      }
    }
    for (const part of this.#unguessed) {
      const { attempt, firstStep, lastStep } = part;
      this.#missing.set(attempt, [...(this.#missing.get(attempt) ?? []), wholeOf(part)]);
      for (const level of this.levelsOf(part)) {
        if (level > this.#topLevel) continue;
        attempts.push(attempt);
        levels.push(level);
        firstBlocks.push(Math.floor(firstStep / rowSteps(level)));
        endBlocks.push(Math.floor(lastStep / rowSteps(level)) + 1);
      }
    }
    const p = new Parameters();
    const asked = [
      p.integers('int', attempts),
      p.integers('smallint', levels),
      p.integers('bigint', firstBlocks),
      p.integers('bigint', endBlocks),
    ];
    return {
      sql: `SELECT asked.attempt, asked.level, rollup.block
        FROM unnest(${asked.join(', ')}) AS asked (attempt, level, first_block, end_block)
        CROSS JOIN LATERAL (SELECT block FROM ${this.rollupOf(p)} AND attempt = asked.attempt
          AND level = asked.level AND block >= first_block AND block < end_block OFFSET 0) AS rollup
        ORDER BY 3`,
      values: p.values,
      onRow: (row) => {
        const key = levelKey(row.int4(0), row.int2(1));
        const blocks = this.#keys.get(key) ?? [];
        const block = row.int8(2);
        if (blocks.at(-1) !== block) blocks.push(block);
        this.#keys.set(key, blocks);
      },
    };
  }
}

/** Rows of a rollup as a relation `asked (attempt, level, block)`. */
function keyRelation(p: Parameters, rows: readonly AskedRow[]): string {
  const asked = [
    p.integers(
      'int',
      rows.map(({ attempt }) => attempt),
    ),
    p.integers(
      'smallint',
      rows.map(({ level }) => level),
    ),
    p.integers(
      'bigint',
      rows.map(({ block }) => block),
    ),
  ];
  return `unnest(${asked.join(', ')}) AS asked (attempt, level, block)`;
}

/** Spans of steps as a relation `asked (attempt, from_step, end_step)`. */
export function spanRelation(p: Parameters, spans: readonly AskedSpan[]): string {
  const asked = [
    p.integers(
      'int',
      spans.map(({ attempt }) => attempt),
    ),
    p.integers(
      'bigint',
      spans.map(({ fromStep }) => fromStep),
    ),
    p.integers(
      'bigint',
      spans.map(({ endStep }) => endStep),
    ),
  ];
  return `unnest(${asked.join(', ')}) AS asked (attempt, from_step, end_step)`;
}
