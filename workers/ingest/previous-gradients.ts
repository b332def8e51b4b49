/**
 * The gradient sample of the newest step of each shard, kept so that the next one can be
 * compared with it (cosine, sign agreement). Losing it costs one step's cosine, so it is
 * bounded in memory and not stored.
 */

export interface ShardKey {
  readonly runKey: string;
  readonly attempt: number;
  readonly layerOffset: number;
}

interface Remembered {
  readonly runKey: string;
  readonly step: number;
  readonly gradient: Float32Array;
}

/** 16 runs of 1,000 layers at 4,096 samples. */
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

export class PreviousGradients {
  /** In the order of use, the least recent first. */
  private readonly bySample = new Map<string, Remembered>();
  private sizeBytes = 0;
  /** Runs of which something was remembered since the last look at the quiet ones. */
  private readonly recentRuns = new Set<string>();

  constructor(private readonly maxBytes = DEFAULT_MAX_BYTES) {}

  /**
   * The sample of the step just before `step`, if it has as many coordinates; a sample of
   * another size cannot hold the same ones.
   */
  find(key: ShardKey, step: number, elementCount: number): Float32Array | null {
    const remembered = this.bySample.get(toText(key));
    if (remembered?.step !== step - 1) return null;
    return remembered.gradient.length === elementCount ? remembered.gradient : null;
  }

  /** Copies the sample: the one given is a view into a request's body. */
  remember(key: ShardKey, step: number, gradient: Float32Array): void {
    const text = toText(key);
    this.drop(text);
    if (gradient.byteLength > this.maxBytes) return;
    this.recentRuns.add(key.runKey);
    this.bySample.set(text, { runKey: key.runKey, step, gradient: gradient.slice() });
    this.sizeBytes += gradient.byteLength;
    for (const oldest of this.bySample.keys()) {
      if (this.sizeBytes <= this.maxBytes) break;
      this.drop(oldest);
    }
  }

  /** The run has ended, or is being deleted: another of its name has gradients of its own. */
  forget(runKey: string): void {
    for (const [text, remembered] of this.bySample) {
      if (remembered.runKey === runKey) this.drop(text);
    }
  }

  /** Forgets runs of which nothing was remembered since this was called last. */
  releaseQuiet(): void {
    for (const [text, { runKey }] of this.bySample) {
      if (!this.recentRuns.has(runKey)) this.drop(text);
    }
    this.recentRuns.clear();
  }

  get heldBytes(): number {
    return this.sizeBytes;
  }

  private drop(text: string): void {
    const remembered = this.bySample.get(text);
    if (remembered === undefined) return;
    this.sizeBytes -= remembered.gradient.byteLength;
    this.bySample.delete(text);
  }
}

function toText({ runKey, attempt, layerOffset }: ShardKey): string {
  return `${runKey}/${attempt}/${layerOffset}`;
}
