/** Spikes and stage intervals as detectors leave them. */
import { z } from 'zod';
import {
  firstMoverSchema,
  globalMoverSchema,
  recoverySchema,
  reevaluationSchema,
  type Spike,
  spikeKindSchema,
  verdictSchema,
} from '../../contract/reads';
import type { Database } from '../database';
import type { CopyRow } from '../postgres/copy-binary';
import { Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RowReader } from '../postgres/snapshot';
import type { Segment } from '../runs/trajectory';

/** Made once: to make one takes longer than to parse by it. */
const firstMoversSchema = z.array(firstMoverSchema);
const globalMoversSchema = z.array(globalMoverSchema);
const secondLookSchema = reevaluationSchema.nullable();

interface SpikeRow {
  readonly id: string;
  readonly attempt: number;
  readonly kind: string;
  readonly onsetStep: bigint | number;
  readonly confirmedStep: bigint | number | null;
  readonly peakStep: bigint | number | null;
  readonly peakValue: number | null;
  readonly baseline: number | null;
  readonly recoveredStep: bigint | number | null;
  readonly recovery: string;
  readonly firstMovers: unknown;
  readonly verdict: string;
  readonly riseStep: bigint | number | null;
  readonly excessArea: number | null;
  readonly levelShift: number | null;
  readonly moverCount: number | null;
  readonly globalMovers: unknown;
  readonly precursorChance: number | null;
  readonly chanceSteps: bigint | number | null;
  readonly reevaluation: unknown;
}

function toSpike(row: SpikeRow): Spike {
  const step = (value: bigint | number | null): number | null =>
    value === null ? null : Number(value);
  const finite = (value: number | null): number | null =>
    value !== null && Number.isFinite(value) ? value : null;
  return {
    id: row.id,
    attempt: row.attempt,
    kind: spikeKindSchema.parse(row.kind),
    onsetStep: Number(row.onsetStep),
    confirmedStep: step(row.confirmedStep),
    riseStep: step(row.riseStep),
    peakStep: step(row.peakStep),
    peakValue: finite(row.peakValue),
    baseline: finite(row.baseline),
    recoveredStep: step(row.recoveredStep),
    recovery: recoverySchema.parse(row.recovery),
    excessArea: finite(row.excessArea),
    levelShift: finite(row.levelShift),
    firstMovers: firstMoversSchema.parse(row.firstMovers),
    moverCount: row.moverCount,
    globalMovers: globalMoversSchema.parse(row.globalMovers),
    verdict: verdictSchema.parse(row.verdict),
    precursorChance: finite(row.precursorChance),
    chanceSteps: step(row.chanceSteps),
    reevaluation: secondLookSchema.parse(row.reevaluation),
  };
}

export interface SpikeSelection {
  readonly segments: readonly Segment[];
  readonly kind: Spike['kind'] | undefined;
  readonly limit: number;
  /** Whether movers and second looks are read, most of a row; without, spikes have none. */
  readonly withMovers?: boolean;
}

/** What finds spikes by onset, for a caller who sends more queries with it; one range of an index. */
export function spikesQuery(
  runKey: string,
  { segments, kind, limit, withMovers = true }: SpikeSelection,
): { readonly query: PreparedQuery; readonly spikes: Spike[] } {
  const spikes: Spike[] = [];
  const p = new Parameters();
  const more = withMovers ? ', first_movers::text, global_movers::text, reevaluation::text' : '';
  const sql = `SELECT id, spike.attempt, kind, onset_step, confirmed_step, peak_step, peak_value, baseline,
      recovered_step, recovery, verdict, rise_step, excess_area, level_shift, mover_count,
      precursor_chance, chance_steps${more}
    FROM ${p.segments(segments)}
    JOIN spike ON spike.attempt = segment.attempt
      AND spike.onset_step BETWEEN segment.from_step AND segment.to_step
    WHERE run = ${p.uuid(runKey)} ${kind === undefined ? '' : `AND kind = ${p.text(kind)}`}
    ORDER BY onset_step, id LIMIT ${p.integer('int', limit)}`;
  const onRow = (row: CopyRow): unknown => spikes.push(readSpike(row, withMovers));
  return { query: { sql, values: p.values, onRow }, spikes };
}

/** One literal without spreads, which would cost each row ten kilobytes. */
function readSpike(row: CopyRow, withMovers: boolean): Spike {
  const spike: Spike = {
    id: row.text(0),
    attempt: row.int4(1),
    kind: spikeKindSchema.parse(row.text(2)),
    onsetStep: row.int8(3),
    confirmedStep: readStep(row, 4),
    riseStep: readStep(row, 11),
    peakStep: readStep(row, 5),
    peakValue: readFinite(row, 6),
    baseline: readFinite(row, 7),
    recoveredStep: readStep(row, 8),
    recovery: recoverySchema.parse(row.text(9)),
    excessArea: readFinite(row, 12),
    levelShift: readFinite(row, 13),
    firstMovers: [],
    moverCount: row.isNull(14) ? null : row.int4(14),
    globalMovers: [],
    verdict: verdictSchema.parse(row.text(10)),
    precursorChance: readFinite(row, 15),
    chanceSteps: readStep(row, 16),
    reevaluation: null,
  };
  return withMovers ? parseLater(spike, row) : spike;
}

function readStep(row: CopyRow, field: number): number | null {
  return row.isNull(field) ? null : row.int8(field);
}

function readFinite(row: CopyRow, field: number): number | null {
  const value = row.float8(field);
  return value !== null && Number.isFinite(value) ? value : null;
}

/**
 * With movers and second look, which are most of a spike and are parsed when they are looked
 * at: of a run's spikes most readers look at the last ones'.
 */
function parseLater(spike: Spike, row: CopyRow): Spike {
  const text = (field: number): string => (row.isNull(field) ? 'null' : row.text(field));
  const [first, global, second] = [text(17), text(18), text(19)];
  let firstMovers: Spike['firstMovers'] | undefined;
  let globalMovers: Spike['globalMovers'] | undefined;
  let reevaluation: Spike['reevaluation'] | undefined;
  return Object.defineProperties(spike, {
    firstMovers: {
      enumerable: true,
      get: () => (firstMovers ??= firstMoversSchema.parse(JSON.parse(first))),
    },
    globalMovers: {
      enumerable: true,
      get: () => (globalMovers ??= globalMoversSchema.parse(JSON.parse(global))),
    },
    reevaluation: {
      enumerable: true,
      get: () =>
        reevaluation === undefined
          ? (reevaluation = secondLookSchema.parse(JSON.parse(second)))
          : reevaluation,
    },
  });
}

/** By onset; one range of an index. No attempt may have two segments. */
export async function findSpikes(
  reader: RowReader,
  runKey: string,
  selection: SpikeSelection,
): Promise<Spike[]> {
  const { query, spikes } = spikesQuery(runKey, selection);
  await reader.readAll([query]);
  return spikes;
}

export async function findSpike(db: Database, runKey: string, id: string): Promise<Spike | null> {
  const row = await db.prisma.spike.findUnique({ where: { runKey_id: { runKey, id } } });
  return row === null ? null : toSpike(row);
}

/**
 * Loss events of an attempt that were confirmed after a step, and those of the ids, by
 * confirmation; one range of an index.
 */
export async function findConfirmedSpikes(
  db: Database,
  runKey: string,
  {
    attempt,
    afterStep,
    ids,
  }: { readonly attempt: number; readonly afterStep: number; readonly ids: readonly string[] },
): Promise<Spike[]> {
  // Asked a few times a second of each run, nearly always for nothing.
  const { rows: some } = await db.pool.query({
    name: 'has_confirmed_spikes',
    text: `SELECT 1 FROM spike WHERE run = $1 AND attempt = $2 AND kind <> 'rms_spike'
      AND (confirmed_step > $3 OR id = ANY($4::text[])) LIMIT 1`,
    values: [runKey, attempt, afterStep, ids],
  });
  if (some.length === 0) return [];
  const rows = await db.prisma.spike.findMany({
    where: {
      runKey,
      attempt,
      kind: { not: 'rms_spike' },
      OR: [{ confirmedStep: { gt: BigInt(afterStep) } }, { id: { in: [...ids] } }],
    },
    orderBy: [{ confirmedStep: 'asc' }, { id: 'asc' }],
  });
  return rows.map(toSpike);
}
