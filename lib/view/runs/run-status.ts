import {
  STALE_AFTER_AT_LEAST_SECONDS,
  STALE_INTERVALS,
  type RunState,
} from '../../contract/run-state';
import type { RunSummary } from '../../contract/runs';

export type RunStatusKind = RunState;

export interface RunStatusView {
  readonly kind: RunStatusKind;
  /** Since the newest frame; null before the first. */
  readonly ageMs: number | null;
}

const STALE_AFTER_AT_LEAST_MS = STALE_AFTER_AT_LEAST_SECONDS * 1000;

function staleAfterMs(stepsPerSecond: number | null): number {
  if (stepsPerSecond === null || stepsPerSecond <= 0) return STALE_AFTER_AT_LEAST_MS;
  return Math.max(STALE_AFTER_AT_LEAST_MS, (STALE_INTERVALS * 1000) / stepsPerSecond);
}

export function prepareRunStatus(
  run: Pick<RunSummary, 'status' | 'stepsPerSecond' | 'lastFrameAt'>,
  nowMs: number,
): RunStatusView {
  const ageMs = run.lastFrameAt === null ? null : Math.max(0, nowMs - Date.parse(run.lastFrameAt));
  if (run.status !== 'running') return { kind: run.status, ageMs };
  if (ageMs === null) return { kind: 'waiting', ageMs };
  return { kind: ageMs > staleAfterMs(run.stepsPerSecond) ? 'stale' : 'live', ageMs };
}

const SILENCES = [
  { limitSeconds: 60, unitSeconds: 1, unit: 's' },
  { limitSeconds: 3600, unitSeconds: 60, unit: 'min' },
  { limitSeconds: 86_400, unitSeconds: 3600, unit: 'h' },
  { limitSeconds: 86_400 * 365, unitSeconds: 86_400, unit: 'd' },
] as const;

/** "0 s", "14 min", "3 y": whole units, for a list in which nothing should flicker. */
export function formatSilence(silenceMs: number): string {
  const seconds = Math.max(0, silenceMs / 1000);
  const silence = SILENCES.find(({ limitSeconds }) => seconds < limitSeconds);
  if (silence === undefined) return `${Math.floor(seconds / (86_400 * 365))} y`;
  return `${Math.floor(seconds / silence.unitSeconds)} ${silence.unit}`;
}
