/**
 * Decides whether gzip pays: only where the link is slower than the compressor. Histograms
 * shrink tenfold, raw floats hardly. On the machine itself it never pays; elsewhere a trial
 * on a part of the body and the measured speed of the link decide.
 */
import { promisify } from 'node:util';
import { deflateSync, gzip } from 'node:zlib';

const compressInBackground = promisify(gzip);

/** Below this a request is one or two packets whatever its size. */
const SMALLEST_BODY = 16 * 1024;
const TRIAL_BYTES = 64 * 1024;
/** Three times the speed of level 6 for 5 % more bytes. */
const LEVEL = 1;
/** A request smaller than this says more of latency than of the link. */
const SMALLEST_MEASURED = 64 * 1024;
/** Until a link was measured: compress what at least halves. */
const UNMEASURED_RATIO = 0.5;

export class Compression {
  private bytesPerMs: number | null = null;

  constructor(
    private readonly isLoopback: boolean,
    private readonly timer: () => number = () => performance.now(),
  ) {}

  /** One upload; the newest count most, since a link's speed changes. */
  measure(sentBytes: number, durationMs: number): void {
    if (sentBytes < SMALLEST_MEASURED || durationMs <= 0) return;
    const speed = sentBytes / durationMs;
    this.bytesPerMs = this.bytesPerMs === null ? speed : 0.7 * this.bytesPerMs + 0.3 * speed;
  }

  pays(body: Uint8Array): boolean {
    if (this.isLoopback || body.length < SMALLEST_BODY) return false;
    // From the middle: the head is JSON and the first tensors are the small ones.
    const start = Math.max(0, (body.length - TRIAL_BYTES) >> 1);
    const trial = body.subarray(start, start + TRIAL_BYTES);
    const before = this.timer();
    const ratio = deflateSync(trial, { level: LEVEL }).length / trial.length;
    const msPerByte = (this.timer() - before) / trial.length;
    if (this.bytesPerMs === null) return ratio < UNMEASURED_RATIO;
    return (1 - ratio) / this.bytesPerMs > msPerByte;
  }

  /** In libuv's threads: the training loop goes on. */
  async compress(body: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await compressInBackground(body, { level: LEVEL }));
  }
}
