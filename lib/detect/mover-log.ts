/**
 * When each layer left its baseline: one entry where a layer starts to stand out, none
 * while it goes on. Kept long enough to look back from a spike's confirmation to its rise,
 * also where the loss is logged every tenth step.
 */
export interface MoverLog {
  readonly capacity: number;
  /** [capacity] */
  readonly step: Float64Array;
  readonly layer: Uint32Array;
  /** Index into MOVER_METRICS. */
  readonly metric: Uint32Array;
  readonly z: Float32Array;
  /** Entries ever written; the newest `capacity` are held. */
  written: number;
}

export const MOVER_METRICS = ['gradient_rms', 'rms'] as const;

export interface FirstMover {
  readonly layer: number;
  readonly metric: (typeof MOVER_METRICS)[number];
  readonly step: number;
  /** Steps before the loss's rise; 0: on the same step. */
  readonly leadSteps: number;
  readonly z: number | null;
}

/** How far before the rise a first mover is looked for, in steps. */
export const LEAD_STEPS = 10;

/** Room for every layer to start eight times over. */
export function createMoverLog(layers: number): MoverLog {
  const capacity = 8 * layers + 64;
  return {
    capacity,
    step: new Float64Array(capacity),
    layer: new Uint32Array(capacity),
    metric: new Uint32Array(capacity),
    z: new Float32Array(capacity),
    written: 0,
  };
}

export function logMover(
  log: MoverLog,
  { step, layer, metric, z }: { step: number; layer: number; metric: number; z: number },
): void {
  const at = log.written % log.capacity;
  log.step[at] = step;
  log.layer[at] = layer;
  log.metric[at] = metric;
  log.z[at] = z;
  log.written++;
}

/**
 * The layers that left their baseline within the 10 steps before the loss rose, or on that
 * step: each with its first such step, the longest lead first, then the largest z.
 *
 * Cost  O(entries held)
 */
export function findFirstMovers(log: MoverLog, riseStep: number): FirstMover[] {
  const firstOfLayer = new Map<number, FirstMover>();
  const held = Math.min(log.written, log.capacity);
  for (let at = 0; at < held; at++) {
    const step = log.step[at] ?? NaN;
    if (!(step >= riseStep - LEAD_STEPS && step <= riseStep)) continue;
    const layer = log.layer[at] ?? 0;
    const known = firstOfLayer.get(layer);
    const z = log.z[at] ?? NaN;
    // On one step the gradient's entry stands before the RMS's.
    if (known !== undefined && known.step <= step) continue;
    firstOfLayer.set(layer, {
      layer,
      metric: MOVER_METRICS[log.metric[at] ?? 0] ?? MOVER_METRICS[0],
      step,
      leadSteps: riseStep - step,
      z: Number.isFinite(z) ? z : null,
    });
  }
  return Array.from(firstOfLayer.values()).sort(
    (a, b) => b.leadSteps - a.leadSteps || (b.z ?? Infinity) - (a.z ?? Infinity),
  );
}
