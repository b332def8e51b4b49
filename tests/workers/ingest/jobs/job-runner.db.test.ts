import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { findJob, findJobs, findUnfinishedJobs } from '@/lib/store/jobs';
import { type RunContext, findRunContext } from '@/lib/store/runs/run-context';
import { deleteRun } from '@/lib/store/runs/runs';
import { silentLogger, useDatabase } from '@/tests/database';
import { aRun } from '@/tests/servers';
import type { JobContext, JobWork } from '@/workers/ingest/jobs/job-kind';
import { JobRunner } from '@/workers/ingest/jobs/job-runner';

const database = useDatabase();

async function storedRun(id: string): Promise<RunContext> {
  await createRun(database.db, aRun(id));
  return (await findRunContext(database.db, id))!;
}

interface RunnerParts {
  readonly work: JobWork;
  readonly isBusy?: () => boolean;
}

function aRunner({ work, isBusy = () => false }: RunnerParts): JobRunner {
  return new JobRunner({
    db: database.db,
    logger: silentLogger,
    now: () => new Date(),
    newId: randomUUID,
    findRun: async (id) => (await findRunContext(database.db, id))!,
    work,
    isBusy,
  });
}

const REQUEST = { kind: 'recompute_statistics' } as const;

/** Work of `total` batches, each of which waits to be let go. */
function steppedWork(total: number) {
  const gates: (() => void)[] = [];
  const log: string[] = [];
  let wake: () => void = () => undefined;
  const work = async ({ run, cursor, report }: JobContext) => {
    for (let step = Number(cursor ?? 0); step < total; step++) {
      log.push(`${run.id} ${step}`);
      await new Promise<void>((resolve) => {
        gates.push(resolve);
        wake();
      });
      await report({ doneSteps: step + 1, totalSteps: total, cursor: step + 1 });
    }
    return { steps: total };
  };
  const reached = async (): Promise<void> => {
    while (gates.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  };
  return {
    work,
    log,
    /** Waits until the work stands at a batch. */
    reached,
    letOneGo: async () => {
      await reached();
      gates.shift()!();
    },
  };
}

describe('JobRunner', () => {
  it('runs one job after the other and keeps what came of them', async () => {
    const [a, b] = [await storedRun('order-a'), await storedRun('order-b')];
    const { work, log, letOneGo, reached } = steppedWork(2);
    const runner = aRunner({ work });
    const first = await runner.submit(a, REQUEST);
    const second = await runner.submit(b, REQUEST);
    expect([first.isNew, first.job.status, second.job.status]).toEqual([true, 'queued', 'queued']);
    await reached();
    expect((await findJob(database.db, a.runKey, first.job.id))?.status).toBe('running');
    expect(runner.status()).toMatchObject({ isRunning: true, queued: 1 });
    for (let batch = 0; batch < 4; batch++) await letOneGo();
    await runner.settled();
    expect(log).toEqual(['order-a 0', 'order-a 1', 'order-b 0', 'order-b 1']);
    expect(await findJobs(database.db, b.runKey)).toEqual([
      {
        ...second.job,
        status: 'finished',
        doneSteps: 2,
        totalSteps: 2,
        result: { steps: 2 },
        startedAt: expect.any(String) as string,
        finishedAt: expect.any(String) as string,
      },
    ]);
    expect(runner.status()).toMatchObject({ isRunning: false, queued: 0, finished: 2 });
  });

  it('returns the job that asks for the same and has not ended', async () => {
    const run = await storedRun('same');
    const { work, letOneGo } = steppedWork(1);
    const runner = aRunner({ work });
    const first = await runner.submit(run, { ...REQUEST, fromStep: 1, toStep: 5 });
    const again = await runner.submit(run, { toStep: 5, fromStep: 1, ...REQUEST });
    expect([again.isNew, again.job.id]).toEqual([false, first.job.id]);
    const other = await runner.submit(run, { ...REQUEST, fromStep: 2 });
    expect(other.isNew).toBe(true);
    await letOneGo();
    await letOneGo();
    await runner.settled();
    const anew = await runner.submit(run, { ...REQUEST, fromStep: 1, toStep: 5 });
    expect(anew.isNew).toBe(true);
    await letOneGo();
    await runner.settled();
  });

  it('makes one job of two requests for the same that come at once', async () => {
    const run = await storedRun('twice');
    const { work, letOneGo } = steppedWork(1);
    const runner = aRunner({ work });
    const asked = await Promise.all([runner.submit(run, REQUEST), runner.submit(run, REQUEST)]);
    expect(asked.map(({ isNew }) => isNew)).toEqual([true, false]);
    expect(new Set(asked.map(({ job }) => job.id)).size).toBe(1);
    await letOneGo();
    await runner.settled();
    expect(await findJobs(database.db, run.runKey)).toHaveLength(1);
  });

  it('cancels a job that waits, and one that runs, which keeps how far it came', async () => {
    const run = await storedRun('cancel');
    const { work, log, letOneGo, reached } = steppedWork(10);
    const runner = aRunner({ work });
    const running = await runner.submit(run, REQUEST);
    const waiting = await runner.submit(run, { ...REQUEST, fromStep: 1 });
    expect((await runner.cancel(run, waiting.job.id)).status).toBe('cancelled');
    await letOneGo();
    await reached();
    const cancelling = runner.cancel(run, running.job.id);
    await letOneGo();
    expect(await cancelling).toMatchObject({ status: 'cancelled', doneSteps: 2, totalSteps: 10 });
    await runner.settled();
    expect(log).toEqual(['cancel 0', 'cancel 1']);
    expect((await runner.cancel(run, running.job.id)).status).toBe('cancelled');
    await expect(runner.cancel(run, randomUUID())).rejects.toMatchObject({ code: 'job_not_found' });
  });

  it('goes on after a restart from where the worker before it was', async () => {
    const run = await storedRun('restart');
    const before = steppedWork(4);
    const stopped = aRunner({ work: before.work });
    const { job } = await stopped.submit(run, REQUEST);
    const next = await stopped.submit(run, { ...REQUEST, fromStep: 3 });
    await before.letOneGo();
    await before.reached();
    const closed = stopped.close();
    await before.letOneGo();
    await closed;
    expect((await findUnfinishedJobs(database.db)).map((stored) => stored.job.id)).toEqual([
      job.id,
      next.job.id,
    ]);

    const after = steppedWork(4);
    const runner = aRunner({ work: after.work });
    await runner.resume();
    for (let batch = 0; batch < 6; batch++) await after.letOneGo();
    await runner.settled();
    expect(after.log.slice(0, 2)).toEqual(['restart 2', 'restart 3']);
    expect(after.log).toHaveLength(6);
    expect((await findJob(database.db, run.runKey, job.id))?.status).toBe('finished');
    expect(await findUnfinishedJobs(database.db)).toEqual([]);
  });

  it('says of a job that failed that it did, and goes on with the next', async () => {
    const run = await storedRun('failing');
    const runner = aRunner({
      work: (_, request) =>
        'fromStep' in request && request.fromStep === 1
          ? Promise.reject(new Error('secret'))
          : Promise.resolve('done'),
    });
    const bad = await runner.submit(run, { ...REQUEST, fromStep: 1 });
    const good = await runner.submit(run, REQUEST);
    await runner.settled();
    const failed = await findJob(database.db, run.runKey, bad.job.id);
    expect(failed).toMatchObject({ status: 'failed', result: null });
    expect(failed?.message).not.toContain('secret');
    expect(await findJob(database.db, run.runKey, good.job.id)).toMatchObject({
      status: 'finished',
      result: 'done',
    });
    expect(runner.status()).toMatchObject({ finished: 1, failed: 1 });
  });

  it('stops with its run, before that is deleted', async () => {
    const run = await storedRun('deleted');
    const { work, log, letOneGo, reached } = steppedWork(3);
    const runner = aRunner({ work });
    await runner.submit(run, REQUEST);
    await runner.submit(run, { ...REQUEST, fromStep: 1 });
    await reached();
    const forgotten = runner.forget(run.runKey);
    await letOneGo();
    await forgotten;
    await deleteRun(database.db, run.id);
    await runner.settled();
    expect(log).toEqual(['deleted 0']);
    expect(await findJobs(database.db, run.runKey)).toEqual([]);
    await expect(runner.submit(run, REQUEST)).rejects.toMatchObject({ code: 'run_not_found' });
  });

  it('waits between batches while posts do, but not for ever', async () => {
    const run = await storedRun('busy');
    let asked = 0;
    const { work, letOneGo } = steppedWork(2);
    const runner = aRunner({ work, isBusy: () => ++asked > 0 && asked < 4 });
    await runner.submit(run, REQUEST);
    await letOneGo();
    await letOneGo();
    await runner.settled();
    // Three times busy, free on the fourth; free at once after the second batch.
    expect(asked).toBe(5);

    const always = steppedWork(1);
    const starved = aRunner({ work: always.work, isBusy: () => true });
    await starved.submit(run, REQUEST);
    await always.letOneGo();
    await starved.settled();
    expect(starved.status().finished).toBe(1);
  });

  it('refuses a queue without end', async () => {
    const run = await storedRun('many');
    const { work, reached } = steppedWork(1);
    const runner = aRunner({ work });
    for (let fromStep = 0; fromStep < 65; fromStep++) {
      await runner.submit(run, { ...REQUEST, fromStep });
    }
    await expect(runner.submit(run, REQUEST)).rejects.toMatchObject({ code: 'too_many_jobs' });
    await reached();
    await Promise.all(
      (await findJobs(database.db, run.runKey))
        .filter(({ status }) => status === 'queued')
        .map(({ id }) => runner.cancel(run, id)),
    );
    expect(runner.status().queued).toBe(0);
  });
});
