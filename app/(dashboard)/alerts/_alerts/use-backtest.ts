'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import type { AlertBacktestReply, AlertCondition } from '@/lib/contract/alert-rules';
import { toFault, tryRule } from './alert-api';

/** Typing goes on for so long before a try begins. */
const TYPING_MS = 500;
/** Tries kept, so that going back to a value is at once: some KB each. */
const MOST_KEPT = 512;

export interface Backtest {
  /** Of the runs that were tried so far, in their order. */
  readonly replies: readonly AlertBacktestReply[];
  readonly doneCount: number;
  readonly isRunning: boolean;
  /** Somebody stopped it; what was tried stands. */
  readonly isStopped: boolean;
  readonly fault: string | null;
  readonly stop: () => void;
  readonly again: () => void;
}

interface Progress {
  readonly key: string;
  readonly replies: readonly AlertBacktestReply[];
  readonly end: 'done' | 'stopped' | 'failed' | null;
  readonly fault: string | null;
}

/**
 * Tries a condition on stored runs, one after the other, so that it can say how far it is
 * and be stopped; a change of the condition begins anew. null tries nothing.
 */
export function useBacktest(
  project: string,
  condition: AlertCondition | null,
  runIds: readonly string[],
): Backtest {
  const key =
    condition === null || runIds.length === 0 ? null : JSON.stringify([condition, runIds]);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [round, setRound] = useState(0);
  const kept = useRef(new Map<string, AlertBacktestReply>());
  const controller = useRef<AbortController | null>(null);

  useEffect(() => {
    if (key === null || condition === null) return;
    const abort = new AbortController();
    controller.current = abort;
    const run = async () => {
      const replies: AlertBacktestReply[] = [];
      const tell = (end: Progress['end'], fault: string | null = null) =>
        setProgress({ key, replies: [...replies], end, fault });
      tell(null);
      for (const runId of runIds) {
        try {
          replies.push(await tryOne(kept.current, project, condition, runId, abort.signal));
        } catch (cause) {
          if (!abort.signal.aborted) tell('failed', toFault(cause));
          else if (abort.signal.reason === STOPPED) tell('stopped');
          return;
        }
        tell(replies.length === runIds.length ? 'done' : null);
      }
    };
    const timer = setTimeout(() => void run(), TYPING_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
    // The key stands for condition and runs.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [project, key, round]);

  const current = progress !== null && progress.key === key ? progress : null;
  return {
    replies: current?.replies ?? [],
    doneCount: current?.replies.length ?? 0,
    isRunning: key !== null && (current === null || current.end === null),
    isStopped: current?.end === 'stopped',
    fault: current?.fault ?? null,
    stop: useCallback(() => controller.current?.abort(STOPPED), []),
    again: useCallback(() => {
      // Runs go on: what was kept may be behind.
      kept.current.clear();
      setRound((before) => before + 1);
    }, []),
  };
}

const STOPPED = 'stopped by a person';

async function tryOne(
  kept: Map<string, AlertBacktestReply>,
  project: string,
  condition: AlertCondition,
  runId: string,
  signal: AbortSignal,
): Promise<AlertBacktestReply> {
  const name = JSON.stringify([runId, condition]);
  const known = kept.get(name);
  if (known !== undefined) return known;
  const reply = await tryRule(project, { condition, runIds: [runId] }, signal);
  const [oldest] = kept.keys();
  if (kept.size >= MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  kept.set(name, reply);
  return reply;
}
