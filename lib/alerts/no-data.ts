import { z } from 'zod';
import type { AlertConditionOf } from '../contract/alert-rules';
import { IncidentLog, openIncidentSchema } from './incident-log';
import type { RuleFold } from './rule-fold';
import { NO_NEEDS } from './step-fold';
import { plural } from './words';
import { formatStep } from '../view/text/format-number';

const stateSchema = z.object({
  open: z.array(openIncidentSchema),
  /** When the silence began that was told of. */
  toldMs: z.number().nullable(),
});

export const CLOCK_NEEDS = { ...NO_NEEDS, clock: true } as const;

/** What was last heard of an attempt. */
export interface LastHeard {
  /** When its newest frame came, or, without any, when it opened. */
  readonly atMs: number;
  /** null before the first. */
  readonly step: number | null;
}

export interface SilenceFold extends RuleFold {
  /**
   * What the clock says. A silence that had lasted long enough before the rule began is told
   * of only once something has come in between.
   *
   * Returns  when to look again; Infinity for not before something comes
   */
  look(nowMs: number, heard: LastHeard, sinceMs: number): number;
}

export function foldNoData(condition: AlertConditionOf<'no_data'>, saved: unknown): SilenceFold {
  const state = saved === null ? null : stateSchema.parse(saved);
  const log = new IncidentLog(state?.open ?? []);
  let toldMs = state?.toldMs ?? null;
  const limitMs = condition.minutes * 60_000;
  return {
    condition,
    observe: () => undefined,
    settle: () => undefined,
    look(nowMs, { atMs, step }, sinceMs) {
      if (toldMs !== null && atMs > toldMs) {
        log.closeAll('recovered', step);
        toldMs = null;
      }
      if (toldMs !== null || atMs + limitMs <= sinceMs) return Infinity;
      if (nowMs < atMs + limitMs) return atMs + limitMs;
      toldMs = atMs;
      const after = step === null ? 'since it began' : `after step ${formatStep(step)}`;
      log.put({
        ...{ opening: `${atMs}`, openedStep: null, peakValue: null, peakStep: null },
        title: `nothing received for ${describeMinutes(condition.minutes)} ${after}`,
        ...{ layers: [], layerCount: 0, spikeId: null },
      });
      return Infinity;
    },
    closeAll: (by, step) => {
      log.closeAll(by, step);
    },
    get changed() {
      return log.changed;
    },
    get openings() {
      return log.openings;
    },
    forgetChanges: () => {
      log.forgetChanges();
    },
    save: () => ({ open: log.open, toldMs }),
    stateSize: 16,
  };
}

/** "10 minutes", "6 seconds", "1.5 minutes". */
function describeMinutes(minutes: number): string {
  if (minutes < 1) return plural(Math.round(minutes * 60), 'second');
  return Number.isInteger(minutes) ? plural(minutes, 'minute') : `${minutes} minutes`;
}
