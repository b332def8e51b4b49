import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds of each post at `rate` a second; from when it was due: one that starts late because of us has waited as well. */
export async function measurePacedLatencies(
  post: (step: number) => Promise<unknown>,
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
): Promise<number[]> {
  const latencies: number[] = [];
  const posts: Promise<void>[] = [];
  const start = performance.now();
  for (let step = 0; step < seconds * rate; step++) {
    const due = start + (step * 1000) / rate;
    await delay(Math.max(0, due - performance.now()));
    posts.push(
      post(step).then(() => {
        latencies.push(performance.now() - due);
      }),
    );
  }
  await Promise.all(posts);
  return latencies;
}
