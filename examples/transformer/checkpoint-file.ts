import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type TensorToEncode,
  encodeSafetensors,
  parseSafetensors,
  readFloat32,
} from '../../lib/contract/safetensors';
import type { ParameterSpec } from './model';
import type { Checkpoint } from './trainer';

/** Enough to go back behind a spike that was noticed late. */
const KEPT_CHECKPOINTS = 3;
const FILE_NAME = /^step-(\d{1,12})\.safetensors$/;
const PARTS = ['weight', 'firstMoment', 'secondMoment'] as const;

/** Writes one checkpoint whole or not at all, and removes the oldest beyond three. Returns its path. */
export async function saveCheckpoint(
  folder: string,
  specs: readonly ParameterSpec[],
  { step, parameters }: Checkpoint,
): Promise<string> {
  const tensors = specs.flatMap((spec, index): TensorToEncode[] => {
    const parameter = parameters[index];
    if (parameter === undefined) return [];
    return PARTS.map((part) => ({
      name: `${spec.name}/${part}`,
      dtype: 'F32',
      shape: spec.shape,
      data: parameter[part],
    }));
  });
  // Encoded before the first await: the trainer's arrays change with its next step.
  const bytes = encodeSafetensors(tensors, { step: String(step) });
  await mkdir(folder, { recursive: true });
  const path = join(folder, `step-${step}.safetensors`);
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
  const steps = await listCheckpoints(folder);
  for (const old of steps.slice(0, -KEPT_CHECKPOINTS)) {
    await rm(join(folder, `step-${old}.safetensors`), { force: true });
  }
  return path;
}

/** Steps that have a checkpoint, ascending; empty when the folder is not there. */
export async function listCheckpoints(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .map((name) => FILE_NAME.exec(name)?.[1])
    .filter((digits): digits is string => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Throws  Error when a tensor of the model is not in the file */
export async function loadCheckpoint(
  folder: string,
  specs: readonly ParameterSpec[],
  step: number,
): Promise<Checkpoint> {
  const path = join(folder, `step-${step}.safetensors`);
  const { tensors } = parseSafetensors(new Uint8Array(await readFile(path)));
  const read = (name: string): Float32Array => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`${path}: expected a tensor ${name}`);
    return readFloat32(name, tensor);
  };
  return {
    step,
    parameters: specs.map(({ name }) => ({
      weight: read(`${name}/weight`),
      firstMoment: read(`${name}/firstMoment`),
      secondMoment: read(`${name}/secondMoment`),
    })),
  };
}
