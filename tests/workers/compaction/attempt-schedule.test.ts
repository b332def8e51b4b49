import { describe, expect, it } from 'vitest';
import type { CompactionUnit } from '@/lib/store/compaction/compact-attempt';
import { AttemptSchedule, type Turn } from '@/workers/compaction/attempt-schedule';

const id = { runKey: 'run', attempt: 1 };
const other = { runKey: 'other', attempt: 1 };

function aUnit(over: Partial<CompactionUnit> = {}): CompactionUnit {
  return {
    isGone: false,
    hasMore: false,
    blocksTo: 0,
    newestStep: 0,
    hotRows: 0,
    hotBytes: 0,
    blocks: 0,
    rollups: 0,
    hotLeft: null,
    ...over,
  };
}

function posts(lowestStep: number, newestStep: number, of = id) {
  return { ...of, lowestStep, newestStep, rows: newestStep - lowestStep + 1, sizeBytes: 100 };
}

/** A schedule whose attempt has steps below 1,000 of which those below 896 are in blocks. */
function aCompacted(): AttemptSchedule {
  const schedule = new AttemptSchedule();
  schedule.noteStored(posts(0, 999), 0);
  const turn = schedule.next(0)!;
  schedule.noteDone(turn, aUnit({ blocksTo: 896, newestStep: 999, hotRows: 896, hotBytes: 90 }), 0);
  return schedule;
}

const turnOf = (schedule: AttemptSchedule, nowMs: number): Turn => {
  const turn = schedule.next(nowMs);
  if (turn === null) throw new Error('nothing is due');
  return turn;
};

describe('AttemptSchedule', () => {
  it('looks at once at what it does not know, then every 64 steps', () => {
    const schedule = aCompacted();
    expect(schedule.next(1)).toBeNull();
    expect(schedule.nextDueMs).toBe(Infinity);
    schedule.noteStored(posts(1000, 1062), 1);
    expect(schedule.next(1)).toBeNull();
    schedule.noteStored(posts(1063, 1063), 2);
    expect(schedule.next(2)).toEqual({ id, includesLate: false });
  });

  it('goes on at once while there is more, by turns', () => {
    const schedule = new AttemptSchedule();
    schedule.noteFound(id, 500, 5, 0);
    schedule.noteFound(other, 500, 5, 0);
    const order: string[] = [];
    for (let turns = 0; turns < 4; turns++) {
      const turn = turnOf(schedule, 0);
      order.push(turn.id.runKey);
      schedule.noteDone(turn, aUnit({ hasMore: true }), 0);
    }
    expect(order).toEqual(['run', 'other', 'run', 'other']);
  });

  it('lets late rows wait for their like, and looks for them then', () => {
    const schedule = aCompacted();
    schedule.noteStored(posts(3, 3), 100);
    schedule.noteStored(posts(4, 4), 1500);
    expect(schedule.next(2099)).toBeNull();
    expect(schedule.nextDueMs).toBe(2100);
    expect(turnOf(schedule, 2100)).toEqual({ id, includesLate: true });
  });

  it('looks for late rows again after a unit that took some', () => {
    const schedule = aCompacted();
    schedule.noteStored(posts(3, 3), 0);
    const turn = turnOf(schedule, 5000);
    schedule.noteDone(turn, aUnit({ hasMore: true, blocksTo: 896, newestStep: 999 }), 5000);
    const again = turnOf(schedule, 5000);
    expect(again.includesLate).toBe(true);
    schedule.noteDone(again, aUnit({ blocksTo: 896, newestStep: 999 }), 5000);
    expect(schedule.next(1e9)).toBeNull();
  });

  it('looks at an attempt that may have ended', () => {
    const schedule = aCompacted();
    schedule.noteChanged(id, 7);
    expect(turnOf(schedule, 7).id).toEqual(id);
  });

  it('waits longer after every failure, and not after a success', () => {
    const schedule = aCompacted();
    schedule.noteChanged(id, 0);
    let nowMs = 0;
    const waits: number[] = [];
    for (let failures = 0; failures < 8; failures++) {
      const turn = turnOf(schedule, nowMs);
      expect(turn.includesLate).toBe(true);
      const waitMs = schedule.noteFailed(turn, nowMs);
      waits.push(waitMs);
      expect(schedule.next(nowMs + waitMs - 1)).toBeNull();
      nowMs += waitMs;
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(schedule.totals().waitingAttempts).toBe(1);
    schedule.noteDone(turnOf(schedule, nowMs), aUnit({ hasMore: true }), nowMs);
    expect(schedule.noteFailed(turnOf(schedule, nowMs), nowMs)).toBe(1000);
  });

  it('sums up what is hot and how far blocks are behind', () => {
    const schedule = aCompacted();
    expect(schedule.totals()).toEqual({
      hotRows: 104,
      hotBytes: 10,
      lagSteps: 104,
      waitingAttempts: 0,
      waitingBytes: 0,
    });
    schedule.noteStored(posts(50, 57, other), 0);
    expect(schedule.totals()).toMatchObject({
      hotRows: 112,
      hotBytes: 110,
      waitingAttempts: 1,
      waitingBytes: 100,
    });
    expect(schedule.dueBytes(0)).toBe(100);
  });

  it('takes the count of a finished unit for what was told of posts', () => {
    const schedule = aCompacted();
    schedule.noteStored(posts(1000, 1100), 0);
    const hotLeft = { rows: 77, sizeBytes: 700 };
    const unit = aUnit({ blocksTo: 960, newestStep: 1100, hotRows: 64, hotLeft });
    schedule.noteDone(turnOf(schedule, 0), unit, 0);
    expect(schedule.totals()).toMatchObject({ hotRows: 77, hotBytes: 700 });
  });

  it('forgets a run, also while its unit is under way', () => {
    const schedule = aCompacted();
    schedule.noteChanged(id, 0);
    const turn = turnOf(schedule, 0);
    schedule.forget('run');
    schedule.noteDone(turn, aUnit({ hasMore: true }), 0);
    expect(schedule.next(0)).toBeNull();
    expect(schedule.totals().hotRows).toBe(0);
    schedule.noteChanged(id, 0);
    schedule.noteDone(turnOf(schedule, 0), aUnit({ isGone: true }), 0);
    expect(schedule.next(1e9)).toBeNull();
  });
});
