import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AlertCondition, AlertRuleDraft } from '@/lib/contract/alert-rules';
import { saveChannel } from '@/lib/store/alerts/alert-channels';
import { createAlertRule, findFoldableRules, patchAlertRule } from '@/lib/store/alerts/alert-rules';
import { createRun } from '@/lib/store/runs/create-run';
import type { Database } from '@/lib/store/database';
import { finishRun } from '@/lib/store/runs/runs';
import { aThreshold } from '@/tests/builders/alerts';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { silentLogger, useDatabase } from '@/tests/database';
import { RunFolds, type Turn } from '@/workers/alerts/run-folds';

const database = useDatabase();
let id: string;
let runKey: string;
let project: string;
/** Ahead of the database's clock by as much as a test says. */
let aheadMs: number;
const now = () => new Date(Date.now() + aheadMs);

beforeEach(async () => {
  aheadMs = 0;
  project = `project-${randomUUID()}`;
  id = `run-${randomUUID()}`;
  ({ runKey } = await createRun(database.db, aRun({ id, project })));
});

async function aRule(condition: AlertCondition, over: Partial<AlertRuleDraft> = {}) {
  return createAlertRule(database.db, project, {
    id: randomUUID(),
    draft: {
      ...{ name: 'rule', runId: null, condition, severity: 'warn', channelIds: [] },
      ...{ notifyBrowsers: true, isEnabled: true, ...over },
    },
  });
}

async function post(losses: Readonly<Record<number, number>>, attempt = 1): Promise<number> {
  const entries = Object.entries(losses).map(([step, loss]) => ({ step: Number(step), loss }));
  await database.writer.write(
    entries.map(({ step, loss }) => ({
      ...{ runKey, attempt, layerOffset: 0, frame: aFrame(step, { loss }) },
    })),
  );
  return Math.max(...entries.map(({ step }) => step));
}

const open = (db: Database = database.db): RunFolds =>
  new RunFolds(runKey, { db, logger: silentLogger, now });

/** A turn once detectors have looked as far as `settled`. */
async function turn(folds: RunFolds, settled?: number, attempt = 1): Promise<Turn> {
  const rules = await findFoldableRules(database.db, project);
  if (settled !== undefined) folds.noteSettled(attempt, settled);
  return folds.turn(() => rules);
}

const incidents = () =>
  database.db.prisma.incident.findMany({
    where: { runKey },
    // Two of one turn are of one moment.
    orderBy: [{ openedAt: 'asc' }, { openedStep: 'asc' }],
  });
const deliveries = () => database.db.prisma.alertDelivery.count({ where: { runKey } });

/** A database whose connection is lost around the commit of a fold. */
function losingCommits(when: 'before' | 'after'): Database {
  const { db } = database;
  const pool = new Proxy(db.pool, {
    get(target, name) {
      if (name !== 'connect') {
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async () => {
        const client = await target.connect();
        const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
        return new Proxy(client, {
          get(of, key) {
            if (key !== 'query') {
              const value = Reflect.get(of, key) as unknown;
              return typeof value === 'function' ? (value.bind(of) as unknown) : value;
            }
            return async (...args: unknown[]) => {
              if (args[0] !== 'COMMIT') return query(...args);
              if (when === 'after') await query(...args);
              throw new Error('the process was killed');
            };
          },
        });
      };
    },
  });
  return { ...db, pool };
}

describe('a crash', () => {
  it.each(['before', 'after'] as const)(
    '%s the commit loses nothing and tells nothing twice',
    async (when) => {
      const target = { kind: 'webhook', url: 'https://hooks.example.org/x' } as const;
      const channel = await saveChannel(
        database.db,
        project,
        { name: 'hook', target, secret: null },
        new Date(),
      );
      await aRule(aThreshold({ closeAfter: 2 }), { channelIds: [channel.id] });
      const settled = await post({ 0: 1, 1: 9, 2: 9 });
      await expect(turn(open(losingCommits(when)), settled)).rejects.toThrow('killed');
      expect(await incidents()).toHaveLength(when === 'before' ? 0 : 1);
      const again = open();
      await turn(again, settled);
      await turn(again, await post({ 3: 9, 4: 1, 5: 1 }));
      expect(await incidents()).toMatchObject([
        { openedStep: 1n, closedStep: 5n, closedBy: 'recovered', peakValue: 9 },
      ]);
      expect(await deliveries()).toBe(1);
    },
  );

  it('that loses how far a rule has looked finds the same under the same key', async () => {
    await aRule(aThreshold({ closeAfter: 2 }));
    const settled = await post({ 0: 1, 1: 9, 2: 1, 3: 1, 4: 8 });
    await turn(open(), settled);
    const before = await incidents();
    expect(before).toHaveLength(2);
    await database.db.prisma.alertProgress.deleteMany({ where: { runKey } });
    expect((await turn(open(), settled)).changes).toEqual([]);
    expect(await incidents()).toEqual(before);
  });

  it('leaves a failed save to the next turn of the same fold', async () => {
    await aRule(aThreshold());
    let isBroken = true;
    const { db } = database;
    const broken = losingCommits('before').pool;
    const flaky = {
      ...db,
      get pool() {
        return isBroken ? broken : db.pool;
      },
    };
    const folds = open(flaky);
    const settled = await post({ 0: 9 });
    await expect(turn(folds, settled)).rejects.toThrow('killed');
    isBroken = false;
    expect((await turn(folds, settled)).changes).toMatchObject([{ change: 'opened' }]);
  });
});

describe('a turn', () => {
  it('looks no further than detectors have, and where nobody says, as their saved state does', async () => {
    await aRule(aThreshold());
    await post({ 0: 1, 1: 9 });
    const folds = open();
    expect((await turn(folds)).foldedSteps).toBe(0);
    expect((await turn(folds, 0)).foldedSteps).toBe(1);
    await database.db.pool.query(
      `INSERT INTO detector_state (run, attempt, step, state) VALUES ($1, 1, 1, '')`,
      [runKey],
    );
    expect((await turn(open())).changes).toHaveLength(1);
  });

  it('saves quiet progress now and then, and what opened at once', async () => {
    const { id: ruleKey } = await aRule(aThreshold());
    const savedStep = async () =>
      Number(
        (await database.db.prisma.alertProgress.findFirstOrThrow({ where: { ruleKey } })).step,
      );
    const folds = open();
    await turn(folds, await post({ 0: 1 }));
    expect(await savedStep()).toBe(0);
    const quiet = await turn(folds, await post({ 1: 1 }));
    expect(await savedStep()).toBe(0);
    expect(quiet.nextLookMs).toBeGreaterThan(now().getTime());
    aheadMs = 6_000;
    await turn(folds);
    expect(await savedStep()).toBe(1);
    await turn(folds, await post({ 2: 9 }));
    expect(await savedStep()).toBe(2);
  });

  it('tells how high an incident went once it is saved anyway', async () => {
    await aRule(aThreshold());
    const folds = open();
    await turn(folds, await post({ 0: 7 }));
    await turn(folds, await post({ 1: 11 }));
    aheadMs = 6_000;
    expect((await turn(folds)).changes).toEqual([]);
    expect(await incidents()).toMatchObject([{ peakValue: 11, peakStep: 1n }]);
  });

  it('writes nothing for a rule that was changed meanwhile', async () => {
    const { id: ruleKey } = await aRule(aThreshold());
    const rules = await findFoldableRules(database.db, project);
    await patchAlertRule(database.db, project, ruleKey, { condition: aThreshold({ limit: 100 }) });
    const folds = open();
    folds.noteSettled(1, await post({ 0: 9 }));
    expect((await folds.turn(() => rules)).changes).toEqual([]);
    expect(await incidents()).toEqual([]);
    expect(await database.db.prisma.alertProgress.count({ where: { runKey } })).toBe(0);
  });

  it('closes what is open with the run, and takes an attempt without a frame up again', async () => {
    await aRule(aThreshold());
    const folds = open();
    await turn(folds, await post({ 0: 9 }));
    await createRun(database.db, aRun({ id, project, resumeFromStep: 1 }));
    await finishRun(database.db, id, 'stopped', new Date());
    folds.noteChanged();
    const { changes } = await turn(folds);
    expect(changes).toMatchObject([{ change: 'closed', incident: { closedBy: 'new_attempt' } }]);
    // The job asks for the attempt that it never used.
    await createRun(database.db, aRun({ id, project, resumeFromStep: 1 }));
    folds.noteChanged();
    const taken = await turn(folds, await post({ 1: 8 }, 2), 2);
    expect(taken.changes).toMatchObject([
      { change: 'opened', incident: { attempt: 2, openedStep: 1 } },
    ]);
    await finishRun(database.db, id, 'finished', new Date());
    folds.noteChanged();
    expect((await turn(folds)).changes).toMatchObject([
      { change: 'closed', incident: { closedBy: 'run_ended', closedStep: 1 } },
    ]);
    expect((await turn(open())).changes).toEqual([]);
  });

  it('says that a run is gone', async () => {
    await database.db.prisma.run.delete({ where: { runKey } });
    expect(await turn(open())).toMatchObject({ isGone: true });
  });
});

describe('silence', () => {
  it('is told by the clock, once, and ends with the next frame', async () => {
    await aRule({ kind: 'no_data', minutes: 10 });
    const folds = open();
    const settled = await post({ 0: 1 });
    const first = await turn(folds, settled);
    expect(first.changes).toEqual([]);
    const inMs = first.nextLookMs - now().getTime();
    expect(inMs).toBeGreaterThan(0);
    aheadMs = 600_001;
    const silent = await turn(folds);
    expect(silent.changes).toMatchObject([
      { incident: { title: 'nothing received for 10 minutes after step 0', openedStep: null } },
    ]);
    expect((await turn(open())).changes).toEqual([]);
    aheadMs = 0;
    expect((await turn(folds, await post({ 1: 1 }))).changes).toMatchObject([
      { change: 'closed', incident: { closedBy: 'recovered', closedStep: 1 } },
    ]);
  });

  it('of a run that ended is none', async () => {
    await aRule({ kind: 'no_data', minutes: 10 });
    await post({ 0: 1 });
    await finishRun(database.db, id, 'finished', new Date());
    aheadMs = 3_600_000;
    expect((await turn(open())).changes).toEqual([]);
  });
});
