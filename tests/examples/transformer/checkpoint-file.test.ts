import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  listCheckpoints,
  loadCheckpoint,
  saveCheckpoint,
} from '@/examples/transformer/checkpoint-file';
import type { ParameterSpec } from '@/examples/transformer/model';

const specs: ParameterSpec[] = [
  { name: 'wte.weight', kind: 'embedding', depth: null, shape: [2, 3] },
  { name: 'ln_f.bias', kind: 'norm', depth: null, shape: [3] },
];
const aCheckpoint = (step: number) => ({
  step,
  parameters: specs.map(({ shape }) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(step);
    return { weight: values, firstMoment: values.map((v) => v / 3), secondMoment: values };
  }),
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoints-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('checkpoints', () => {
  it('come back bit for bit', async () => {
    const checkpoint = aCheckpoint(17);
    await saveCheckpoint(folder, specs, checkpoint);

    expect(await loadCheckpoint(folder, specs, 17)).toEqual(checkpoint);
  });

  it('are listed by step, and only the newest three are kept', async () => {
    for (const step of [2, 10, 9, 100]) await saveCheckpoint(folder, specs, aCheckpoint(step));

    expect(await listCheckpoints(folder)).toEqual([9, 10, 100]);
    expect((await readdir(folder)).length).toBe(3);
  });

  it('are none where no folder is', async () => {
    expect(await listCheckpoints(join(folder, 'nowhere'))).toEqual([]);
  });

  it('of another model are refused by name', async () => {
    await saveCheckpoint(folder, specs.slice(0, 1), aCheckpoint(1));

    await expect(loadCheckpoint(folder, specs, 1)).rejects.toThrow(/ln_f\.bias\/weight/);
  });
});
