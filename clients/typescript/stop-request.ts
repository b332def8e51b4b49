/** Ctrl-C reaches a job twice when npm passes it on as well; a person is slower than this. */
const ECHO_MS = 1000;

/**
 * Turns Ctrl-C and SIGTERM into a request to stop after the step that is under way, so
 * that the run can be finished. Asked again, the process exits at once.
 */
export function listenForStop(process: NodeJS.Process): AbortSignal {
  const stop = new AbortController();
  let askedMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (!stop.signal.aborted) {
        askedMs = nowMs;
        stop.abort();
      } else if (nowMs - askedMs > ECHO_MS) process.exit(130);
    });
  }
  return stop.signal;
}
