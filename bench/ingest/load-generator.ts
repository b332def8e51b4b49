/**
 * The training jobs of a measurement, as a process of their own: takes one order over the
 * IPC channel, posts, and answers with what was acknowledged.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FrameBodies } from './frame-bodies';
import { HttpConnection } from './http-connection';
import { toQuantiles } from '../shared/quantiles';
import type { LoadOrder, LoadResult } from './load';

class Load {
  readonly #order: LoadOrder;
  readonly #bodies: FrameBodies;
  readonly #nextSteps: number[];
  readonly #acknowledged: number[];
  readonly #latencies: number[] = [];
  readonly #bySecond: number[] = [];
  #startMs = 0;
  #refusals = 0;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#bodies = new FrameBodies(order);
    this.#nextSteps = order.runIds.map(() => 0);
    this.#acknowledged = order.runIds.map(() => 0);
  }

  async run(): Promise<LoadResult> {
    this.#startMs = performance.now();
    await (this.#order.postsPerSecond === null
      ? this.#saturate()
      : this.#pace(this.#order.postsPerSecond));
    return {
      acknowledgedSteps: this.#acknowledged,
      datapointsBySecond: Array.from(this.#bySecond, (count) => count ?? 0),
      elapsedMs: performance.now() - this.#startMs,
      acknowledgement: toQuantiles(this.#latencies),
      refusals: this.#refusals,
      postBytes: this.#bodies.sizeBytes,
    };
  }

  async #saturate(): Promise<void> {
    const endMs = this.#startMs + this.#order.seconds * 1000;
    const jobs = this.#order.runIds.flatMap((_, run) =>
      Array.from({ length: this.#order.inFlight }, async () => {
        const connection = new HttpConnection(this.#order.url);
        while (performance.now() < endMs) await this.#post(connection, run, performance.now());
        connection.close();
      }),
    );
    await Promise.all(jobs);
  }

  async #pace(postsPerSecond: number): Promise<void> {
    const idle: HttpConnection[] = [];
    const posts: Promise<void>[] = [];
    const count = Math.floor(this.#order.seconds * postsPerSecond);
    for (let index = 0; index < count; index++) {
      const dueMs = this.#startMs + (index * 1000) / postsPerSecond;
      await delay(Math.max(0, dueMs - performance.now()));
      const connection = idle.pop() ?? new HttpConnection(this.#order.url);
      // From when it was due: a post that starts late because of us has waited as well.
      posts.push(
        this.#post(connection, index % this.#order.runIds.length, dueMs).then(() => {
          idle.push(connection);
        }),
      );
    }
    await Promise.all(posts);
    for (const connection of idle) connection.close();
  }

  async #post(connection: HttpConnection, run: number, sinceMs: number): Promise<void> {
    const { runIds, stepsPerPost, layers, metrics } = this.#order;
    const firstStep = this.#nextSteps[run]!;
    this.#nextSteps[run] = firstStep + stepsPerPost;
    const body = this.#bodies.take(firstStep);
    for (;;) {
      const path = `/api/v1/runs/${runIds[run]!}/frames`;
      const reply = await connection.post(path, body, stepsPerPost);
      if (reply.status === 200) {
        const { accepted }: { accepted: number } = JSON.parse(reply.body);
        if (accepted !== stepsPerPost) throw new Error(`not all stored: ${reply.body}`);
        break;
      }
      if (reply.status !== 429 && reply.status !== 503) {
        throw new Error(`${reply.status} ${reply.body}`);
      }
      this.#refusals++;
      await delay(reply.retryAfterSeconds * 1000);
    }
    const nowMs = performance.now();
    const second = Math.floor((nowMs - this.#startMs) / 1000);
    this.#bySecond[second] = (this.#bySecond[second] ?? 0) + stepsPerPost * layers * metrics;
    this.#acknowledged[run]! += stepsPerPost;
    if (sinceMs - this.#startMs >= this.#order.warmUpSeconds * 1000) {
      this.#latencies.push(nowMs - sinceMs);
    }
  }
}

process.once('message', (order: LoadOrder) => {
  void new Load(order).run().then((result) => {
    process.send?.(result, () => process.disconnect());
  });
});
