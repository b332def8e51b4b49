/**
 * Creation of runs and attempts. Every rank of a job may ask, and ask again: one of them
 * inserts the run's row, the others find it and are told the same.
 */
import { createHash, randomUUID } from 'node:crypto';
import { AppError, type FaultDetail } from '../../contract/app-error';
import { stepAfter } from '../../contract/identifiers';
import type { CreateRun, Layer } from '../../contract/runs';
import type { Database } from '../database';
import type { Prisma } from '../generated/client';
import { runKeyOf } from './run-key';
import { DELETING } from './run-status';

export interface CreatedRun {
  readonly id: string;
  readonly runKey: string;
  readonly attempt: number;
  readonly nextStep: number;
  /** 201 where the run or a new attempt of it was made, 200 where it was there. */
  readonly isNew: boolean;
  readonly isNewAttempt: boolean;
}

type Transaction = Prisma.TransactionClient;

/** The largest run has 65,536 layers, inserted in two seconds on a slow disk. */
const TRANSACTION_TIMEOUT_MS = 30_000;
const MAX_DIFFERENCES = 10;

/** What makes two layers the same, in a fixed order. */
function layerFields(layer: Layer): readonly (readonly [keyof Layer, unknown])[] {
  return [
    ['name', layer.name],
    ['kind', layer.kind ?? null],
    ['depth', layer.depth ?? null],
    ['parameterCount', layer.parameterCount],
    ['shape', layer.shape ?? null],
  ];
}

function hashLayers(layers: readonly Layer[]): Uint8Array<ArrayBuffer> {
  const hash = createHash('sha256');
  for (const layer of layers) hash.update(`${JSON.stringify(layerFields(layer))}\n`);
  return Uint8Array.from(hash.digest());
}

/**
 * Makes a run, an attempt, or neither.
 *
 * Throws  AppError `id_taken`, `layers_differ` (with the layers and fields that differ) or
 *         `unavailable` while a run of that id is being deleted
 */
export async function createRun(db: Database, input: CreateRun): Promise<CreatedRun> {
  const id = input.id ?? randomUUID();
  const runKey = runKeyOf(id);
  const layersHash = hashLayers(input.layers);
  return db.prisma.$transaction(
    async (tx) => {
      await tx.project.createMany({ data: [{ name: input.project }], skipDuplicates: true });
      const { count } = await tx.run.createMany({
        data: [
          {
            runKey,
            id,
            project: input.project,
            name: input.name ?? id,
            tags: input.tags ?? [],
            config: input.config ?? {},
            layerCount: input.layers.length,
            layersHash,
          },
        ],
        skipDuplicates: true,
      });
      if (count === 1) {
        await insertLayers(tx, runKey, input.layers);
        const nextStep = input.resumeFromStep ?? 0;
        await insertAttempt(tx, runKey, 1, nextStep, input);
        return { id, runKey, attempt: 1, nextStep, isNew: true, isNewAttempt: true };
      }
      return joinRun(tx, id, runKey, layersHash, input);
    },
    { timeout: TRANSACTION_TIMEOUT_MS, maxWait: TRANSACTION_TIMEOUT_MS },
  );
}

async function insertLayers(
  tx: Transaction,
  runKey: string,
  layers: readonly Layer[],
): Promise<void> {
  const rows = layers.map((layer, index) => ({
    index,
    name: layer.name,
    kind: layer.kind ?? null,
    depth: layer.depth ?? null,
    parameter_count: layer.parameterCount,
    shape: layer.shape ?? [],
    has_shape: layer.shape !== undefined,
  }));
  // One statement and one parameter: through the models, the largest run took longer on a busy
  // machine than a transaction may.
  await tx.$executeRaw`
    INSERT INTO layer (run, index, name, kind, depth, parameter_count, shape, has_shape)
    SELECT ${runKey}::uuid, index, name, kind, depth, parameter_count, shape, has_shape
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS posted (
      index int, name text, kind text, depth int, parameter_count bigint, shape bigint[],
      has_shape boolean)`;
}

async function insertAttempt(
  tx: Transaction,
  runKey: string,
  attempt: number,
  resumeFromStep: number,
  { optimizer }: CreateRun,
): Promise<void> {
  await tx.attempt.create({
    data: { runKey, attempt, resumeFromStep: BigInt(resumeFromStep), optimizer },
  });
}

async function joinRun(
  tx: Transaction,
  id: string,
  runKey: string,
  layersHash: Uint8Array,
  input: CreateRun,
): Promise<CreatedRun> {
  // One at a time: of all ranks that resume, the first opens the attempt.
  await tx.$queryRaw`SELECT 1 FROM run WHERE run = ${runKey}::uuid FOR NO KEY UPDATE`;
  const run = await tx.run.findUnique({ where: { runKey } });
  if (run === null || run.status === DELETING) {
    throw new AppError('unavailable', `run ${id} is being deleted`, { retryAfterSeconds: 2 });
  }
  if (run.project !== input.project) {
    throw new AppError('id_taken', `another project has a run with the id ${id}`, {
      details: [{ path: 'id', message: 'expected an id that no other project uses' }],
    });
  }
  if (!Buffer.from(run.layersHash).equals(layersHash)) {
    throw await layersDiffer(tx, runKey, input.layers);
  }
  const newest = await tx.attempt.findFirstOrThrow({
    where: { runKey },
    orderBy: { attempt: 'desc' },
  });
  const lastStep = await findLastStep(tx, runKey, newest.attempt);
  const joined = { id, runKey, isNew: false, isNewAttempt: false };
  const { resumeFromStep } = input;
  if (resumeFromStep === undefined) {
    const nextStep = lastStep === null ? Number(newest.resumeFromStep) : stepAfter(lastStep);
    return { ...joined, attempt: newest.attempt, nextStep };
  }
  if (run.status !== 'running') {
    await tx.run.update({ where: { runKey }, data: { status: 'running', finishedAt: null } });
  }
  if (Number(newest.resumeFromStep) === resumeFromStep && lastStep === null) {
    // A job that died before its first frame may come back with other settings.
    await tx.attempt.update({
      where: { runKey_attempt: { runKey, attempt: newest.attempt } },
      data: { optimizer: input.optimizer },
    });
    return { ...joined, attempt: newest.attempt, nextStep: resumeFromStep };
  }
  const attempt = newest.attempt + 1;
  await insertAttempt(tx, runKey, attempt, resumeFromStep, input);
  return { ...joined, attempt, nextStep: resumeFromStep, isNewAttempt: true };
}

/** The newest step of an attempt: the last entry of its range in the primary key. */
async function findLastStep(
  tx: Transaction,
  runKey: string,
  attempt: number,
): Promise<number | null> {
  const rows = await tx.$queryRaw<{ step: bigint }[]>`
    SELECT step FROM step WHERE run = ${runKey}::uuid AND attempt = ${attempt}
    ORDER BY step DESC LIMIT 1`;
  const step = rows[0]?.step;
  return step === undefined ? null : Number(step);
}

async function layersDiffer(
  tx: Transaction,
  runKey: string,
  asked: readonly Layer[],
): Promise<AppError> {
  const rows = await tx.layer.findMany({ where: { runKey }, orderBy: { index: 'asc' } });
  const stored = rows.map(toLayer);
  const details: FaultDetail[] = [];
  if (stored.length !== asked.length) {
    details.push({
      path: 'layers',
      message: `expected the ${stored.length} layers that the run has, got ${asked.length}`,
    });
  }
  for (const [index, layer] of stored.entries()) {
    const other = asked[index];
    if (other === undefined || details.length >= MAX_DIFFERENCES) break;
    const otherFields = new Map(layerFields(other));
    for (const [field, value] of layerFields(layer)) {
      const expected = JSON.stringify(value);
      const got = JSON.stringify(otherFields.get(field));
      if (expected !== got) {
        details.push({
          path: `layers.${index}.${field}`,
          message: `expected ${expected}, got ${got}`,
        });
      }
    }
  }
  const first = details[0];
  return new AppError(
    'layers_differ',
    `the run exists with other layers${first === undefined ? '' : `: ${first.path}: ${first.message}`}`,
    { details: details.slice(0, MAX_DIFFERENCES) },
  );
}

/** A layer as the contract has it. */
export function toLayer(row: {
  readonly name: string;
  readonly kind: string | null;
  readonly depth: number | null;
  readonly parameterCount: bigint | number;
  readonly shape: readonly (bigint | number)[];
  readonly hasShape: boolean;
}): Layer {
  return {
    name: row.name,
    parameterCount: Number(row.parameterCount),
    ...(row.kind === null ? {} : { kind: row.kind }),
    ...(row.depth === null ? {} : { depth: row.depth }),
    ...(row.hasShape ? { shape: row.shape.map(Number) } : {}),
  };
}
