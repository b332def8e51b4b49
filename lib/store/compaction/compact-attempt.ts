/**
 * One unit of compaction, one transaction: hot rows of sealed spans, or rows that came late
 * below them, become blocks, and the rollups above are written or corrected. Afterwards
 * every stored value is hot or in a block and in all rollups that cover it; killed anywhere,
 * nothing has happened.
 *
 * Runs at READ COMMITTED, and is right there because a hot row is read and removed by one
 * statement, and blocks, rollups and the state are changed under the lock of the state alone.
 * `step` is read after the hot rows went: what it says more belongs to rows still hot.
 */
import type { ClientBase } from 'pg';
import { alignDown, alignUp, MAX_SPAN, rowSteps } from './block-layout';
import { chooseSpan, type BlockSpan, type HotCell } from './choose-spans';
import { lockAttempt, saveState, type AttemptFacts, type AttemptId } from './compaction-state';
import { countHot, countHotCells, findFirstHotStep, type HotCount } from './hot-cells';
import { rollHistograms } from './roll-histograms';
import { endOfRows, rollLevels, type ChangedSpan } from './roll-levels';
import { findBlockAround, writeBlocks, type CompactionBuffers } from './write-blocks';

export interface CompactionUnit {
  /** The run is gone; nothing of it is left to do. */
  readonly isGone: boolean;
  /** Whether there is more to do at once. */
  readonly hasMore: boolean;
  readonly blocksTo: number;
  readonly newestStep: number;
  /** Hot rows that went, and the bytes of their values. */
  readonly hotRows: number;
  readonly hotBytes: number;
  readonly blocks: number;
  readonly rollups: number;
  /** What is hot afterwards; null while there is more to do. */
  readonly hotLeft: HotCount | null;
}

export interface CompactionOptions {
  /** Looks for rows below `blocksTo` first. */
  readonly includesLate: boolean;
  readonly buffers: CompactionBuffers;
}

/** Steps that may still come between and after those of a span before it counts as sealed. */
const SEAL_DISTANCE = 64;
/** One span of 1,000 layers × 16 metrics has 4 MB; several small ones share a transaction. */
const MAX_UNIT_BYTES = 6 * 1024 * 1024;
/** How far beyond the first hot step cells are counted at first. */
const FIRST_WINDOW = 1024;

/** Does at most one unit of work. Throws whatever the database says; nothing has changed then. */
export async function compactAttempt(
  client: ClientBase,
  id: AttemptId,
  options: CompactionOptions,
): Promise<CompactionUnit> {
  await client.query('BEGIN');
  try {
    // What a crash takes with it is done again: no flush of its own.
    await client.query('SET LOCAL synchronous_commit = off');
    const facts = await lockAttempt(client, id);
    const unit = facts === null ? GONE : await compactLocked(client, id, facts, options);
    await client.query('COMMIT');
    options.buffers.rows.commit(id, unit.blocksTo);
    return unit;
  } catch (error) {
    options.buffers.rows.drop(id);
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const GONE: CompactionUnit = {
  isGone: true,
  hasMore: false,
  blocksTo: 0,
  newestStep: -1,
  hotRows: 0,
  hotBytes: 0,
  blocks: 0,
  rollups: 0,
  hotLeft: null,
};

interface Work {
  readonly spans: readonly BlockSpan[];
  readonly blocksTo: number;
  readonly isRewrite: boolean;
  readonly hasMore: boolean;
  readonly sizeBytes: number;
}

async function compactLocked(
  client: ClientBase,
  id: AttemptId,
  facts: AttemptFacts,
  { includesLate, buffers }: CompactionOptions,
): Promise<CompactionUnit> {
  const late = includesLate ? await findLateWork(client, id, facts) : null;
  const work = late ?? (await findSealedWork(client, id, facts));
  if (work.isRewrite) buffers.rows.drop(id);
  else buffers.rows.begin(id, facts.blocksTo);
  const changed: ChangedSpan[] = [];
  let hotRows = 0;
  let hotBytes = 0;
  let blocks = 0;
  for (const span of work.spans) {
    const write = {
      layerCount: facts.layerCount,
      isRewrite: work.isRewrite,
      expectedBytes: work.sizeBytes,
    };
    const moved = await writeBlocks(client, id, span, write, buffers);
    changed.push({
      from: span.firstStep,
      to: span.firstStep + span.span,
      metricIds: moved.metricIds,
      late: moved.late,
      posts: moved.posts,
    });
    hotRows += moved.rows;
    hotBytes += moved.sizeBytes;
    blocks += moved.metricIds.length;
  }
  // The last rows of an attempt are sealed by its end; what comes later is late.
  const isEnd = facts.isFinal && !work.hasMore && facts.newestStep >= 0;
  const blocksTo = isEnd ? Math.max(work.blocksTo, endOfRows(facts.newestStep)) : work.blocksTo;
  const { rolledTo, rowCount } = await rollLevels(client, id, facts, blocksTo, changed, buffers);
  const histograms = await rollHistograms(client, id, facts, blocksTo, changed);
  const hasMore = work.hasMore || histograms.rolledTo < blocksTo;
  // Steps that came late are not old yet: rounding comes again once they are.
  const lowestSpan = work.isRewrite ? (work.spans[0]?.firstStep ?? Infinity) : Infinity;
  const state = {
    blocksTo,
    rolledTo,
    histogramsTo: histograms.rolledTo,
    roundedTo: Math.min(facts.roundedTo, lowestSpan),
  };
  if (!isSameState(state, facts)) await saveState(client, id, state);
  return {
    isGone: false,
    hasMore,
    blocksTo,
    newestStep: facts.newestStep,
    hotRows,
    hotBytes,
    blocks,
    rollups: rowCount + histograms.rowCount,
    hotLeft: hasMore ? null : await countHot(client, id),
  };
}

type SavedState = Pick<AttemptFacts, 'blocksTo' | 'rolledTo' | 'histogramsTo' | 'roundedTo'>;

function isSameState(a: SavedState, b: SavedState): boolean {
  const isSameRolled = a.rolledTo.join() === b.rolledTo.join();
  const isSameHistograms = a.histogramsTo === b.histogramsTo;
  return (
    a.blocksTo === b.blocksTo && a.roundedTo === b.roundedTo && isSameRolled && isSameHistograms
  );
}

/**
 * Rows below `blocksTo`, those of one level-0 row at a time. Null when there are none. Each
 * goes into the block that holds its step, else into a new one between its neighbours.
 */
async function findLateWork(
  client: ClientBase,
  id: AttemptId,
  { blocksTo, metricIds }: AttemptFacts,
): Promise<Work | null> {
  const first = await findFirstHotStep(client, id, 0, blocksTo);
  if (first === null) return null;
  const end = Math.min(blocksTo, alignDown(first, rowSteps(0)) + rowSteps(0));
  let cells = await countHotCells(client, id, first, end);
  const sizeBytes = cells.reduce((sum, cell) => sum + cell.sizeBytes, 0);
  const spans: BlockSpan[] = [];
  let floor = 0;
  for (;;) {
    const [cell] = cells;
    if (cell === undefined) break;
    const around = await findBlockAround(client, id, metricIds, cell.firstStep);
    const span =
      'span' in around
        ? around
        : chooseLateSpan(cells, {
            floor: Math.max(floor, around.floor),
            ceiling: Math.min(around.ceiling, end),
          });
    spans.push(span);
    floor = span.firstStep + span.span;
    cells = cells.filter(({ firstStep }) => firstStep >= floor);
  }
  return { spans, blocksTo, isRewrite: true, hasMore: true, sizeBytes };
}

function chooseLateSpan(
  cells: readonly HotCell[],
  neighbours: { readonly floor: number; readonly ceiling: number },
): BlockSpan {
  const limits = { sealedBelow: Infinity, knownBelow: Infinity, hasLayers: true, ...neighbours };
  const choice = chooseSpan(cells, limits);
  if (choice.kind !== 'sealed') throw new Error('no span holds a late step');
  return choice.span;
}

/** The next spans from `blocksTo` on that are sealed, as many as fit into one unit. */
async function findSealedWork(
  client: ClientBase,
  id: AttemptId,
  facts: AttemptFacts,
): Promise<Work> {
  const { blocksTo, newestStep, isFinal, metricIds } = facts;
  const idle: Work = { spans: [], blocksTo, isRewrite: false, hasMore: false, sizeBytes: 0 };
  const first = await findFirstHotStep(client, id, blocksTo);
  if (first === null) return idle;
  let knownBelow = alignUp(first + 1, FIRST_WINDOW);
  let cells = await countHotCells(client, id, first, knownBelow);
  const spans: BlockSpan[] = [];
  let end = blocksTo;
  let sizeBytes = 0;
  for (;;) {
    const rest = cells.filter(({ firstStep }) => firstStep >= end);
    const choice = chooseSpan(rest, {
      floor: end,
      ceiling: Infinity,
      sealedBelow: isFinal ? Infinity : newestStep - SEAL_DISTANCE,
      knownBelow,
      hasLayers: metricIds.length > 0,
    });
    if (choice.kind === 'unknown') {
      // Only a sparse start needs to look further than the window.
      if (spans.length > 0)
        return { spans, blocksTo: end, isRewrite: false, hasMore: true, sizeBytes };
      knownBelow = choice.until;
      cells = await countHotCells(client, id, first, Math.min(knownBelow, first + MAX_SPAN));
      continue;
    }
    if (choice.kind === 'open') {
      const isAtWindow = spans.length > 0 && rest.length === 0;
      return { spans, blocksTo: end, isRewrite: false, hasMore: isAtWindow, sizeBytes };
    }
    const spanEnd = choice.span.firstStep + choice.span.span;
    const size = rest
      .filter(({ firstStep }) => firstStep < spanEnd)
      .reduce((sum, cell) => sum + cell.sizeBytes, 0);
    if (spans.length > 0 && sizeBytes + size > MAX_UNIT_BYTES) {
      return { spans, blocksTo: end, isRewrite: false, hasMore: true, sizeBytes };
    }
    spans.push(choice.span);
    end = spanEnd;
    sizeBytes += size;
  }
}
