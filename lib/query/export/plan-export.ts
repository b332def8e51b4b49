/**
 * What an export holds and how far it goes, known before its first row.
 *
 * Which attempt counts at which step is as of the start; the values are as of when their
 * stretch of steps is read.
 */
import { AppError } from '../../contract/app-error';
import { type ExportQuery, MAX_EXPORT_METRICS } from '../../contract/exports';
import type { Database } from '../../store/database';
import {
  EVENT_TABLE,
  type ExportTable,
  SPIKE_TABLE,
  STAGE_TABLE,
  countTableRows,
} from '../../store/reading/export-tables';
import type { ReadableRun } from '../../store/reading/readable-run';
import { findRoundedBefore } from '../../store/reading/rounded-values';
import { scalarColumns } from '../../store/reading/scan-steps';
import { countReportedSteps, findStepPage } from '../../store/reading/step-pages';
import { type Segment, selectSegments } from '../../store/runs/trajectory';
import { runNotFound } from '../../store/runs/runs';
import { requireLayer, requireRun } from '../find-run';
import type { ExportPlan } from './export-batch';
import { findExportGaps } from './export-gaps';
import { exportLayers, selectLayers } from './export-layers';
import { exportSteps } from './export-steps';
import { exportTable } from './export-table';

const TABLES = { spikes: SPIKE_TABLE, stages: STAGE_TABLE, events: EVENT_TABLE } as const;

/** Throws  AppError `run_not_found`, `attempt_not_found`, `layer_not_found`, `invalid_query` */
export async function planExport(
  db: Database,
  runId: string,
  query: ExportQuery,
): Promise<ExportPlan> {
  const run = await requireRun(db, runId);
  const plan = await planKind(db, run, query);
  const requireSameRun = async (): Promise<void> => {
    const { createdAt } = await requireRun(db, runId);
    if (createdAt !== run.createdAt) throw runNotFound(runId);
  };
  return { ...plan, requireSameRun };
}

type KindPlan = Omit<ExportPlan, 'requireSameRun'>;

function planKind(db: Database, run: ReadableRun, query: ExportQuery): Promise<KindPlan> {
  switch (query.kind) {
    case 'layers':
      return planLayers(db, run, query);
    case 'steps':
      return planSteps(db, run, query);
    case 'spikes':
    case 'stages':
    case 'events':
      return planTable(db, run, query, TABLES[query.kind]);
  }
}

function invalid(path: string, message: string): AppError {
  return new AppError('invalid_query', `${path}: ${message}`, { details: [{ path, message }] });
}

async function planLayers(db: Database, run: ReadableRun, query: ExportQuery): Promise<KindPlan> {
  const metrics = selectNames(query.metric, [...run.names.layer.keys()], run.id, 'layer metric');
  if (metrics.length > MAX_EXPORT_METRICS) {
    throw invalid(
      'metric',
      `expected at most ${MAX_EXPORT_METRICS} metrics in one export, not ${metrics.length}`,
    );
  }
  for (const { to } of query.layers ?? []) requireLayer(run, to);
  const layers = selectLayers(run.layerCount, query.layers);
  const extent = await planExtent(db, run, query);
  const metricIds = metrics.flatMap((name) => run.names.layer.get(name) ?? []);
  const findGaps = () => findExportGaps(db, run.runKey, extent.segments, metricIds);
  return {
    ...extent,
    roundedBefore: await findRoundedBefore(db, run.runKey, extent.segments, metricIds),
    gaps: await findGaps(),
    findGaps,
    columns: [
      { name: 'attempt', type: 'int32' },
      { name: 'step', type: 'int64' },
      { name: 'layer', type: 'int32' },
      ...metrics.map((name) => ({ name, type: 'float32' as const })),
    ],
    batches: () => exportLayers(db, { run, segments: extent.segments, metrics, layers }),
  };
}

async function planSteps(db: Database, run: ReadableRun, query: ExportQuery): Promise<KindPlan> {
  forbidLayers(query);
  const stored = [...run.names.scalar.keys(), 'wall_time'];
  const names = selectNames(query.metric, stored, run.id, 'scalar');
  const columns = scalarColumns(run.names.scalar, names);
  const extent = await planExtent(db, run, query);
  return {
    ...extent,
    roundedBefore: null,
    gaps: null,
    findGaps: () => Promise.resolve(null),
    columns: [
      { name: 'attempt', type: 'int32' },
      { name: 'step', type: 'int64' },
      ...names.map((name) => ({ name, type: 'float64' as const })),
    ],
    batches: () => exportSteps(db, run.runKey, extent.segments, columns),
  };
}

async function planTable(
  db: Database,
  run: ReadableRun,
  query: ExportQuery,
  table: ExportTable,
): Promise<KindPlan> {
  forbidLayers(query);
  if (query.metric !== undefined) throw invalid('metric', 'is for layers and steps alone');
  if (query.maxSteps !== undefined) throw invalid('maxSteps', 'is for layers and steps alone');
  const segments = selectSegments(run, query.attempt ?? 'all', query);
  const { count, firstStep, lastStep } = await countTableRows(db, run.runKey, table, segments);
  return {
    columns: table.columns,
    total: count,
    firstStep: count === 0 ? null : firstStep,
    lastStep: count === 0 ? null : lastStep,
    nextStep: null,
    attempts: null,
    roundedBefore: null,
    gaps: null,
    findGaps: () => Promise.resolve(null),
    batches: () => exportTable(db, run.runKey, table, segments),
  };
}

function forbidLayers({ layers }: ExportQuery): void {
  if (layers !== undefined) throw invalid('layers', 'is for kind=layers alone');
}

/** The segments, cut off after `maxSteps` steps and at the newest step of now. */
async function planExtent(
  db: Database,
  run: ReadableRun,
  query: ExportQuery,
): Promise<
  Pick<ExportPlan, 'total' | 'firstStep' | 'lastStep' | 'nextStep' | 'attempts'> & {
    readonly segments: readonly Segment[];
  }
> {
  const { attempt = 'effective', maxSteps } = query;
  if (attempt === 'all') {
    throw invalid('attempt', 'expected a number or effective: steps of one trajectory rise');
  }
  // Of all steps, whatever the range: so that those who go on can compare it with what they had.
  const attempts = selectSegments(run, attempt, {})
    .map((segment) => `${segment.attempt}:${segment.fromStep}`)
    .join(',');
  const asked = selectSegments(run, attempt, query);
  const { segments, isCut } =
    maxSteps === undefined
      ? { segments: asked, isCut: false }
      : await cutSegments(db, run.runKey, asked, maxSteps);
  const { count, firstStep, lastStep } = await countReportedSteps(db, run.runKey, segments);
  if (count === 0) {
    return { segments: [], total: 0, firstStep: null, lastStep: null, nextStep: null, attempts };
  }
  return {
    // Steps that come meanwhile belong to the next export.
    segments: segments
      .map((segment) => ({ ...segment, toStep: Math.min(segment.toStep, lastStep) }))
      .filter((segment) => segment.fromStep <= segment.toStep),
    total: count,
    firstStep,
    lastStep,
    nextStep: isCut ? lastStep + 1 : null,
    attempts,
  };
}

async function cutSegments(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
  maxSteps: number,
): Promise<{ readonly segments: readonly Segment[]; readonly isCut: boolean }> {
  const kept: Segment[] = [];
  let left = maxSteps;
  for (const segment of segments) {
    // One more than is wanted tells whether there is more.
    const page = await findStepPage(db, runKey, segment, left + 1);
    if (page === null) continue;
    if (page.stepCount <= left) {
      kept.push(segment);
      left -= page.stepCount;
      continue;
    }
    const cut = left === 0 ? null : await findStepPage(db, runKey, segment, left);
    if (cut !== null) kept.push({ ...segment, toStep: cut.lastStep });
    return { segments: kept, isCut: true };
  }
  return { segments: kept, isCut: false };
}

/** The asked names, each once; all without. */
function selectNames(
  asked: readonly string[] | undefined,
  stored: readonly string[],
  runId: string,
  what: string,
): string[] {
  if (asked === undefined) return [...new Set(stored)];
  const known = new Set(stored);
  const unknown = asked.find((name) => !known.has(name));
  if (unknown !== undefined) throw invalid('metric', `run ${runId} has no ${what} ${unknown}`);
  return [...new Set(asked)];
}
