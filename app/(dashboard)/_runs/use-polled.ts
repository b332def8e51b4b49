'use client';

import { useCallback, useEffect, useEffectEvent, useState } from 'react';
import { ApiFailure } from '@/app/_hooks/api-client';

const POLL_MS = 2000;

export interface Polled<T> {
  /** The newest reply, of the question before until this one's comes. */
  readonly data: T | null;
  /** Whether `data` answers the present question. */
  readonly isCurrent: boolean;
  /** Another one once a reply is here that somebody asked for: a new question, or again. */
  readonly answer: string;
  readonly error: ApiFailure | null;
  readonly retry: () => void;
}

interface State<T> {
  readonly key: string;
  readonly answer: string;
  readonly data: T | null;
  readonly error: ApiFailure | null;
}

/**
 * Asks every two seconds while the tab is seen, at once when it is seen again and when the
 * question, named by `key`, is another; null asks nothing. A failed read keeps what is
 * there beside the error.
 */
export function usePolled<T>(
  key: string | null,
  read: (signal: AbortSignal, before: T | null) => Promise<T>,
): Polled<T> {
  const [state, setState] = useState<State<T> | null>(null);
  const [round, setRound] = useState(0);
  const retry = useCallback(() => setRound((before) => before + 1), []);
  const ask = useEffectEvent((signal: AbortSignal) => read(signal, state?.data ?? null));

  useEffect(() => {
    if (key === null) return;
    const controller = new AbortController();
    let isReading = false;
    const poll = async () => {
      if (isReading || document.visibilityState !== 'visible') return;
      isReading = true;
      try {
        const data = await ask(controller.signal);
        setState({ key, answer: `${key} ${round}`, data, error: null });
      } catch (cause) {
        if (controller.signal.aborted) return;
        const error =
          cause instanceof ApiFailure
            ? cause
            : new ApiFailure('unexpected', cause instanceof Error ? cause.message : '', null);
        setState((before) => ({
          key,
          answer: before?.answer ?? '',
          data: before?.data ?? null,
          error,
        }));
      } finally {
        isReading = false;
      }
    };
    const pollSoon = () => void poll();
    pollSoon();
    const timer = setInterval(pollSoon, POLL_MS);
    document.addEventListener('visibilitychange', pollSoon);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', pollSoon);
      controller.abort();
    };
  }, [key, round]);

  const isCurrent = state !== null && state.key === key;
  return {
    data: key === null ? null : (state?.data ?? null),
    isCurrent: isCurrent && state.error === null,
    answer: state?.answer ?? '',
    error: isCurrent ? state.error : null,
    retry,
  };
}
