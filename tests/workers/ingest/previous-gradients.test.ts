import { describe, expect, it } from 'vitest';
import { PreviousGradients } from '@/workers/ingest/previous-gradients';

const shard = { runKey: 'a', attempt: 1, layerOffset: 0 };

describe('PreviousGradients', () => {
  it('finds the step just before, of the same shard and size', () => {
    const previous = new PreviousGradients();
    previous.remember(shard, 5, Float32Array.of(1, 2));
    expect(previous.find(shard, 6, 2)).toEqual(Float32Array.of(1, 2));
    expect(previous.find(shard, 7, 2)).toBeNull();
    expect(previous.find(shard, 5, 2)).toBeNull();
    expect(previous.find(shard, 6, 3)).toBeNull();
    expect(previous.find({ ...shard, attempt: 2 }, 6, 2)).toBeNull();
    expect(previous.find({ ...shard, layerOffset: 1 }, 6, 2)).toBeNull();
  });

  it('keeps a copy, since the sample is a view into a body', () => {
    const previous = new PreviousGradients();
    const gradient = Float32Array.of(1);
    previous.remember(shard, 0, gradient);
    gradient[0] = 9;
    expect(previous.find(shard, 1, 1)).toEqual(Float32Array.of(1));
  });

  it('forgets the least recent beyond its bytes', () => {
    const previous = new PreviousGradients(8);
    previous.remember(shard, 0, Float32Array.of(1));
    previous.remember({ ...shard, runKey: 'b' }, 0, Float32Array.of(2));
    previous.remember({ ...shard, runKey: 'c' }, 0, Float32Array.of(3));
    expect(previous.find(shard, 1, 1)).toBeNull();
    expect(previous.find({ ...shard, runKey: 'b' }, 1, 1)).not.toBeNull();
    previous.remember(shard, 0, new Float32Array(3));
    expect(previous.find(shard, 1, 3)).toBeNull();
    expect(previous.find({ ...shard, runKey: 'c' }, 1, 1)).not.toBeNull();
  });

  it('forgets a run that ended, or a new one of its name would be compared with it', () => {
    const previous = new PreviousGradients();
    previous.remember(shard, 0, Float32Array.of(1));
    previous.remember({ ...shard, runKey: 'b' }, 0, Float32Array.of(2));
    previous.forget('a');
    expect(previous.find(shard, 1, 1)).toBeNull();
    expect(previous.find({ ...shard, runKey: 'b' }, 1, 1)).not.toBeNull();
    expect(previous.heldBytes).toBe(4);
  });

  it('lets go of runs that were quiet from one look to the next', () => {
    const previous = new PreviousGradients();
    previous.remember(shard, 0, Float32Array.of(1));
    previous.remember({ ...shard, runKey: 'b' }, 0, Float32Array.of(2));
    previous.releaseQuiet();
    expect(previous.heldBytes).toBe(8);
    previous.remember(shard, 1, Float32Array.of(3));
    previous.releaseQuiet();
    expect(previous.find(shard, 2, 1)).toEqual(Float32Array.of(3));
    expect(previous.find({ ...shard, runKey: 'b' }, 1, 1)).toBeNull();
    expect(previous.heldBytes).toBe(4);
  });
});
