/**
 * What teams want to be told of. A rule's condition has a revision: what was folded for an
 * earlier one is void, and what was received before the revision began is not looked at.
 */
import { AppError } from '../../contract/app-error';
import {
  type AlertCondition,
  alertConditionSchema,
  type AlertRule,
  type AlertRuleDraft,
  type AlertSeverity,
  alertSeveritySchema,
  type PatchAlertRule,
} from '../../contract/alert-rules';
import type { Incident } from '../../contract/incidents';
import type { Database } from '../database';
import type { AlertRule as RuleRow, Prisma } from '../generated/client';
import { findIncidentsByKey } from './incidents';
import { isUuid, runKeyOf } from '../runs/run-key';
import { DELETING } from '../runs/run-status';

/** A hundred and some are what the largest teams have in other tools; each is folded over each run. */
export const MAX_RULES_PER_PROJECT = 200;

type Transaction = Prisma.TransactionClient;

interface RuleCounts {
  readonly open: number;
  readonly lastOpenedAt: Date | null;
}

const NO_COUNTS: RuleCounts = { open: 0, lastOpenedAt: null };

function toRule(row: RuleRow, { open, lastOpenedAt }: RuleCounts): AlertRule {
  return {
    id: row.ruleKey,
    project: row.project,
    name: row.name,
    runId: row.runId,
    condition: alertConditionSchema.parse(row.condition),
    severity: alertSeveritySchema.parse(row.severity),
    channelIds: row.channelKeys,
    notifyBrowsers: row.notifyBrowsers,
    isEnabled: row.isEnabled,
    mutedUntil: row.mutedUntil?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    openCount: open,
    lastOpenedAt: lastOpenedAt?.toISOString() ?? null,
  };
}

function ruleNotFound(id: string): AppError {
  return new AppError('rule_not_found', `the project has no alert rule ${id}`);
}

/** By name. Two ranges of indices. Throws AppError `project_not_found`. */
export async function findAlertRules(db: Database, project: string): Promise<AlertRule[]> {
  const [known, rows, counts] = await Promise.all([
    db.prisma.project.findUnique({ where: { name: project }, select: { name: true } }),
    db.prisma.alertRule.findMany({
      where: { project },
      orderBy: [{ name: 'asc' }, { ruleKey: 'asc' }],
    }),
    countIncidents(db, project),
  ]);
  if (known === null) throw projectNotFound(project);
  return rows.map((row) => toRule(row, counts.get(row.ruleKey) ?? NO_COUNTS));
}

async function countIncidents(
  db: Database,
  project: string,
): Promise<ReadonlyMap<string, RuleCounts>> {
  const { rows } = await db.pool.query<{ rule: string; open: number; newest: Date }>(
    `SELECT rule::text, count(*) FILTER (WHERE closed_at IS NULL)::int AS open, max(opened_at) AS newest
     FROM incident WHERE project = $1 GROUP BY rule`,
    [project],
  );
  return new Map(rows.map(({ rule, open, newest }) => [rule, { open, lastOpenedAt: newest }]));
}

async function readRule(db: Database, project: string, row: RuleRow): Promise<AlertRule> {
  const counts = await countIncidents(db, project);
  return toRule(row, counts.get(row.ruleKey) ?? NO_COUNTS);
}

/**
 * Saves a new rule; it begins with what is received from now on.
 *
 * Throws  AppError `project_not_found`, `run_not_found`, `channel_not_found`, `too_many_rules`
 */
export async function createAlertRule(
  db: Database,
  project: string,
  { id, draft }: { readonly id: string; readonly draft: AlertRuleDraft },
): Promise<AlertRule> {
  const row = await db.prisma.$transaction(async (tx) => {
    // Two who create the last rule that has room: the second waits, and counts the first.
    const locked = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM project WHERE name = ${project} FOR UPDATE`;
    if (locked.length === 0) throw projectNotFound(project);
    if ((await tx.alertRule.count({ where: { project } })) >= MAX_RULES_PER_PROJECT) {
      throw new AppError(
        'too_many_rules',
        `expected at most ${MAX_RULES_PER_PROJECT} alert rules in a project; delete one that nobody needs`,
      );
    }
    await checkRun(tx, project, draft.runId);
    await checkChannels(tx, project, draft.channelIds);
    const { name, runId, condition, severity, channelIds, notifyBrowsers, isEnabled } = draft;
    const [{ now } = { now: new Date() }] = await tx.$queryRaw<{ now: Date }[]>`
      SELECT clock_timestamp() AS now`;
    return tx.alertRule.create({
      data: {
        ...{ project, ruleKey: id, name, condition, severity, notifyBrowsers, isEnabled },
        ...{ runId, runKey: runId === null ? null : runKeyOf(runId) },
        ...{ channelKeys: [...new Set(channelIds)], createdAt: now, updatedAt: now, since: now },
      },
    });
  });
  return toRule(row, NO_COUNTS);
}

async function checkRun(tx: Transaction, project: string, runId: string | null): Promise<void> {
  if (runId === null) return;
  const run = await tx.run.findFirst({
    where: { runKey: runKeyOf(runId), project, status: { not: DELETING } },
    select: { id: true },
  });
  if (run === null) {
    throw new AppError('run_not_found', `runId: project ${project} has no run ${runId}`);
  }
}

async function checkChannels(
  tx: Transaction,
  project: string,
  channelIds: readonly string[],
): Promise<void> {
  const keys = [...new Set(channelIds)];
  const known = await tx.alertChannel.findMany({
    where: { project, channelKey: { in: keys.filter(isUuid) } },
    select: { channelKey: true },
  });
  const missing = keys.find((key) => !known.some(({ channelKey }) => channelKey === key));
  if (missing === undefined) return;
  throw new AppError(
    'channel_not_found',
    `channelIds: project ${project} has no channel ${missing}`,
  );
}

export interface ChangedRule {
  readonly rule: AlertRule;
  /** Those that the change closed. */
  readonly closed: readonly Incident[];
}

/**
 * Sets what `patch` names and leaves the rest. Another condition or run, and a rule that is
 * switched off or on, closes what is open and begins anew.
 *
 * Throws  AppError `rule_not_found`, `run_not_found`, `channel_not_found`
 */
export async function patchAlertRule(
  db: Database,
  project: string,
  id: string,
  patch: PatchAlertRule,
): Promise<ChangedRule> {
  if (!isUuid(id)) throw ruleNotFound(id);
  const where = { project_ruleKey: { project, ruleKey: id } };
  const { row, closedKeys } = await db.prisma.$transaction(async (tx) => {
    const now = await lockRule(tx, project, id);
    const known = await tx.alertRule.findUnique({ where });
    if (known === null) throw ruleNotFound(id);
    if (patch.channelIds !== undefined) await checkChannels(tx, project, patch.channelIds);
    const { runId = known.runId } = patch;
    // One that was deleted since is no reason to refuse another change.
    if (runId !== known.runId) await checkRun(tx, project, runId);
    const isAnew =
      runId !== known.runId ||
      (patch.isEnabled !== undefined && patch.isEnabled !== known.isEnabled) ||
      (patch.condition !== undefined &&
        !isSameCondition(patch.condition, alertConditionSchema.parse(known.condition)));
    const changed = await tx.alertRule.update({
      where,
      data: {
        ...(patch.name === undefined ? {} : { name: patch.name }),
        ...{ runId, runKey: runId === null ? null : runKeyOf(runId) },
        ...(patch.condition === undefined ? {} : { condition: patch.condition }),
        ...(patch.severity === undefined ? {} : { severity: patch.severity }),
        ...(patch.channelIds === undefined
          ? {}
          : { channelKeys: { set: [...new Set(patch.channelIds)] } }),
        ...(patch.notifyBrowsers === undefined ? {} : { notifyBrowsers: patch.notifyBrowsers }),
        ...(patch.isEnabled === undefined ? {} : { isEnabled: patch.isEnabled }),
        ...(patch.mutedUntil === undefined ? {} : { mutedUntil: patch.mutedUntil }),
        ...(isAnew ? { revision: known.revision + 1, since: now } : {}),
        updatedAt: now,
      },
    });
    return { row: changed, closedKeys: isAnew ? await closeIncidents(tx, project, id, now) : [] };
  });
  return {
    rule: await readRule(db, project, row),
    closed: await findIncidentsByKey(db, closedKeys),
  };
}

/** Waits for folds of the rule under way: what they open is closed with the rest. The database's time. */
async function lockRule(tx: Transaction, project: string, id: string): Promise<Date> {
  const [locked] = await tx.$queryRaw<{ now: Date }[]>`
    SELECT clock_timestamp() AS now FROM alert_rule
    WHERE project = ${project} AND rule = ${id}::uuid FOR UPDATE`;
  if (locked === undefined) throw ruleNotFound(id);
  return locked.now;
}

/** Both come out of the schema, which orders their fields. */
function isSameCondition(a: AlertCondition, b: AlertCondition): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

interface IncidentKey {
  readonly runKey: string;
  readonly incidentKey: string;
}

async function closeIncidents(
  tx: Transaction,
  project: string,
  ruleKey: string,
  now: Date,
): Promise<IncidentKey[]> {
  return tx.$queryRaw<IncidentKey[]>`
    UPDATE incident SET closed_at = ${now}, closed_by = 'rule_changed'
    WHERE project = ${project} AND rule = ${ruleKey}::uuid AND closed_at IS NULL
    RETURNING run::text AS "runKey", incident::text AS "incidentKey"`;
}

/** Its incidents stay; those that are open are closed and returned. Throws AppError `rule_not_found`. */
export async function deleteAlertRule(
  db: Database,
  project: string,
  id: string,
): Promise<readonly Incident[]> {
  if (!isUuid(id)) throw ruleNotFound(id);
  const closedKeys = await db.prisma.$transaction(async (tx) => {
    const now = await lockRule(tx, project, id);
    await tx.alertRule.delete({ where: { project_ruleKey: { project, ruleKey: id } } });
    return closeIncidents(tx, project, id, now);
  });
  return findIncidentsByKey(db, closedKeys);
}

/** A rule as it is folded. */
export interface FoldableRule {
  readonly ruleKey: string;
  readonly project: string;
  readonly name: string;
  /** One run; null is every run of the project. */
  readonly runKey: string | null;
  readonly condition: AlertCondition;
  readonly severity: AlertSeverity;
  readonly revision: number;
  readonly since: Date;
}

/** Rules that are switched on, of one project or of all, by project and key. */
export async function findFoldableRules(db: Database, project?: string): Promise<FoldableRule[]> {
  const rows = await db.prisma.alertRule.findMany({
    where: { isEnabled: true, ...(project === undefined ? {} : { project }) },
    orderBy: [{ project: 'asc' }, { ruleKey: 'asc' }],
  });
  return rows.map((row) => ({
    ...{ ruleKey: row.ruleKey, project: row.project, name: row.name, runKey: row.runKey },
    condition: alertConditionSchema.parse(row.condition),
    severity: alertSeveritySchema.parse(row.severity),
    ...{ revision: row.revision, since: row.since },
  }));
}

function projectNotFound(name: string): AppError {
  return new AppError('project_not_found', `there is no project ${name}`);
}
