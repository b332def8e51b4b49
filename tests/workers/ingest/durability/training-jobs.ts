/**
 * Jobs that post as jobs do: one step or several at a time, in shards, out of order, and in
 * new attempts after a restart. A post that fails is sent again until it is acknowledged, or
 * given up: then nobody knows whether it is stored, and the ledger does not either.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { canShareBody, encodeFrames } from '@/lib/contract/encode-frames';
import { SAFETENSORS_MEDIA_TYPE } from '@/lib/contract/heatmap-columns';
import type { FramesReply } from '@/lib/contract/runs';
import { frameAt } from './contents';
import type { Ledger, Posted, RunFacts } from './ledger';

export interface JobPlan {
  readonly run: string;
  readonly layerCount: number;
  /** Where each shard begins. */
  readonly shards: readonly number[];
  readonly stepsPerPost: number;
  /** Of a hundred posts, how many are sent some posts later. */
  readonly latePercent: number;
  /** Of a hundred posts, how many are followed by a restart from an earlier step. */
  readonly restartPercent: number;
}

/** Of a hundred posts that fail, how many are not sent again. */
const GIVE_UP_PERCENT = 30;
const TIMEOUT_MS = 10_000;
const RETRY_MS = 50;

export class TrainingJob {
  readonly #url: string;
  readonly #plan: JobPlan;
  readonly #ledger: Ledger;
  readonly #random: () => number;
  readonly #facts: RunFacts;
  readonly #heldBack: Posted[][] = [];
  #nextStep = 0;
  #posts = 0;

  constructor(url: string, plan: JobPlan, ledger: Ledger, random: () => number) {
    this.#url = url;
    this.#plan = plan;
    this.#ledger = ledger;
    this.#random = random;
    this.#facts = { id: plan.run, layerCount: plan.layerCount, resumeSteps: [] };
    ledger.runs.set(plan.run, this.#facts);
  }

  get acknowledgedPosts(): number {
    return this.#posts;
  }

  /** Posts until `isOver`; what it held back is sent before it returns. */
  async run(isOver: () => boolean): Promise<void> {
    if (this.#facts.resumeSteps.length === 0) await this.#open(0);
    while (!isOver()) {
      const posts = this.#takePosts();
      if (this.#isOneOf(this.#plan.latePercent)) this.#heldBack.push(...posts);
      else await this.#sendAll(posts);
      if (this.#heldBack.length > 0 && this.#isOneOf(10)) await this.#sendHeldBack();
      if (this.#isOneOf(this.#plan.restartPercent)) {
        const resumeStep = Math.max(0, this.#nextStep - Math.floor(this.#random() * 100));
        await this.#open(resumeStep);
        this.#nextStep = resumeStep;
      }
    }
    await this.#sendHeldBack();
  }

  #isOneOf(percent: number): boolean {
    return this.#random() * 100 < percent;
  }

  /** The next steps, one post a shard. */
  #takePosts(): Posted[][] {
    const { run, layerCount, shards, stepsPerPost } = this.#plan;
    const attempt = this.#facts.resumeSteps.length;
    const count = 1 + Math.floor(this.#random() * stepsPerPost);
    const steps = Array.from({ length: count }, (_, index) => this.#nextStep + index);
    this.#nextStep += count;
    return shards.map((layerOffset, index) =>
      steps.map((step) => ({
        run,
        attempt,
        step,
        layerOffset,
        layerCount: (shards[index + 1] ?? layerCount) - layerOffset,
      })),
    );
  }

  /** A new attempt, however often it takes to be told that it is open. */
  async #open(resumeFromStep: number): Promise<void> {
    const body = JSON.stringify({
      id: this.#plan.run,
      project: 'durability',
      optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
      layers: Array.from({ length: this.#plan.layerCount }, (_, layer) => ({
        name: `layer.${layer}`,
        parameterCount: 100,
      })),
      ...(this.#facts.resumeSteps.length === 0 ? {} : { resumeFromStep }),
    });
    for (;;) {
      const reply = await this.#request('/api/v1/runs', 'application/json', body);
      if (reply !== null && reply.status < 300) {
        const { attempt } = reply.body as { attempt: number };
        if (attempt !== this.#facts.resumeSteps.length + 1) {
          throw new Error(`opened attempt ${attempt} of ${this.#plan.run}`);
        }
        this.#facts.resumeSteps.push(resumeFromStep);
        return;
      }
      await delay(RETRY_MS);
    }
  }

  async #sendHeldBack(): Promise<void> {
    await this.#sendAll(this.#heldBack.splice(0));
  }

  async #sendAll(posts: readonly (readonly Posted[])[]): Promise<void> {
    await Promise.all(posts.map((post) => this.#send(post)));
  }

  async #send(post: readonly Posted[]): Promise<void> {
    const [first] = post;
    if (first === undefined) return;
    const frames = post.map(({ attempt, step, layerOffset, layerCount }) =>
      frameAt(attempt, step, layerOffset, layerCount),
    );
    // Frames of one body say the same things: those with histograms go by themselves.
    const [head] = frames;
    const other = frames.findIndex((frame) => !canShareBody(head!, frame));
    if (other > 0) {
      await this.#send(post.slice(0, other));
      await this.#send(post.slice(other));
      return;
    }
    const { attempt, layerOffset } = first;
    const body = encodeFrames(frames, { attempt, layerOffset });
    this.#ledger.send(post);
    const givesUp = this.#isOneOf(GIVE_UP_PERCENT);
    for (;;) {
      const reply = await this.#request(
        `/api/v1/runs/${this.#plan.run}/frames`,
        SAFETENSORS_MEDIA_TYPE,
        body,
      );
      if (reply?.status === 200) {
        const { accepted, duplicates, rejected } = reply.body as FramesReply;
        if (rejected.length > 0 || accepted + duplicates !== post.length) {
          throw new Error(`${this.#plan.run}: ${JSON.stringify(reply.body)}`);
        }
        this.#ledger.acknowledge(post);
        this.#posts++;
        return;
      }
      if (reply !== null && reply.status !== 429 && reply.status !== 503) {
        throw new Error(`${this.#plan.run}: ${reply.status} ${JSON.stringify(reply.body)}`);
      }
      if (givesUp) return;
      await delay(RETRY_MS);
    }
  }

  /** The reply, or null where none came. */
  async #request(
    path: string,
    contentType: string,
    body: string | Uint8Array<ArrayBuffer>,
  ): Promise<{ readonly status: number; readonly body: unknown } | null> {
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method: 'POST',
        headers: { 'Content-Type': contentType },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, body: await response.json() };
    } catch {
      return null;
    }
  }
}
