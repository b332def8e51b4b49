const POLL_MS = 100;
const REQUEST_TIMEOUT_MS = 2_000;

export interface ReadinessOptions {
  readonly timeoutMs: number;
  /** Aborted when waiting has become pointless, such as when the process died. */
  readonly signal: AbortSignal;
}

/** Asks until the answer is 200. Throws with the last answer when it never does in time. */
export async function waitUntilReady(url: string, options: ReadinessOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  let lastAnswer = 'no answer yet';
  while (performance.now() < deadline) {
    options.signal.throwIfAborted();
    const answer = await ask(url, options.signal);
    if (answer.status === 200) return;
    lastAnswer = answer.text;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${url} was not ready after ${options.timeoutMs / 1000} s: ${lastAnswer}`);
}

async function ask(
  url: string,
  signal: AbortSignal,
): Promise<{ status: number | null; text: string }> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    return { status: response.status, text: `${response.status} ${await response.text()}` };
  } catch (error) {
    // Refused until the process listens; the deadline above ends it.
    return { status: null, text: error instanceof Error ? describe(error) : 'no answer' };
  }
}

function describe(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
