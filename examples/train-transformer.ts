/**
 * Trains a small transformer for real and posts every step to Spikescope:
 *
 *   npx tsx examples/train-transformer.ts --url http://127.0.0.1:3000 [--provoke] [--help]
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '../clients/typescript/create-client';
import type { RunHandle } from '../clients/typescript/run-handle';
import { listenForStop } from '../clients/typescript/stop-request';
import { startBackend } from './transformer/backend';
import { listCheckpoints, loadCheckpoint, saveCheckpoint } from './transformer/checkpoint-file';
import { type Corpus, parseCorpus } from './transformer/corpus';
import { LearningRateSchedule } from './transformer/learning-rate';
import { countParameters } from './transformer/model';
import { type TrainOptions, UsageError, parseTrainOptions, usage } from './transformer/options';
import { type StepResult, Trainer } from './transformer/trainer';

const NOVEL = fileURLToPath(new URL('./data/persuasion.txt', import.meta.url));
/** How often a line of progress is printed. */
const PROGRESS_MS = 5000;
/** What one step may give to the network: a post and a reply need a few turns of the event loop. */
const NETWORK_MS = 4;

async function main(): Promise<number> {
  const options = parseTrainOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    console.log(usage());
    return 0;
  }
  const stop = listenForStop(process);
  const corpus = parseCorpus(await readFile(options.text ?? NOVEL, 'utf8'));
  const client = createClient({
    url: options.url,
    token: options.token,
    directory: '.data/spool',
  });
  await startBackend();
  const trainer = makeTrainer(options, corpus);
  const run = await openRun(client, options, trainer, corpus);
  return train(options, trainer, run, stop);
}

function makeTrainer(options: TrainOptions, corpus: Corpus): Trainer {
  const { beta1, beta2, epsilon, weightDecay } = options;
  return new Trainer(corpus, {
    model: {
      vocabularySize: corpus.characters.length,
      contextLength: options.context,
      width: options.width,
      depth: options.depth,
      headCount: options.heads,
    },
    optimizer: { beta1, beta2, epsilon, weightDecay },
    batchSize: options.batch,
    batchCount: options.batches,
    seed: options.seed,
  });
}

async function openRun(
  client: Client,
  options: TrainOptions,
  trainer: Trainer,
  corpus: Corpus,
): Promise<RunHandle> {
  if (options.resume) await restore(options, trainer);
  const { beta1, beta2, epsilon, weightDecay } = options;
  const parameterCount = trainer.specs.reduce((sum, spec) => sum + countParameters(spec), 0);
  const what = options.provoke ? 'provoked spike' : 'Persuasion';
  const run = client.startRun({
    project: options.project,
    id: options.runId,
    name: options.name ?? `${what}: ${options.depth} blocks, ε ${epsilon}`,
    tags: options.provoke ? ['demo', 'provoked'] : ['demo'],
    optimizer: { name: 'adamw', beta1, beta2, epsilon, weightDecay },
    layers: trainer.specs.map((spec) => ({
      name: spec.name,
      kind: spec.kind,
      ...(spec.depth === null ? {} : { depth: spec.depth }),
      parameterCount: countParameters(spec),
      shape: [...spec.shape],
    })),
    config: {
      depth: options.depth,
      width: options.width,
      heads: options.heads,
      context: options.context,
      batch: options.batch,
      batches: options.batches,
      learningRate: options.learningRate,
      warmup: options.warmup,
      seed: options.seed,
      provoke: options.provoke,
      parameters: parameterCount,
      vocabulary: corpus.characters.length,
      tokensPerStep: options.batch * options.context,
    },
    resumeFromStep: options.resume ? trainer.step + 1 : undefined,
  });
  console.log(
    `Training ${parameterCount.toLocaleString('en')} parameters in ${trainer.specs.length} tensors; ` +
      `run ${run.id}. Ctrl-C stops it.`,
  );
  return run;
}

/** Throws  UsageError when the run has no checkpoint here */
async function restore(options: TrainOptions, trainer: Trainer): Promise<void> {
  const folder = join(options.checkpoints, options.runId ?? '');
  const newest = (await listCheckpoints(folder)).at(-1);
  if (newest === undefined) throw new UsageError(`--resume: no checkpoint in ${folder}`);
  trainer.restore(await loadCheckpoint(folder, trainer.specs, newest));
}

async function train(
  options: TrainOptions,
  trainer: Trainer,
  run: RunHandle,
  stop: AbortSignal,
): Promise<number> {
  const schedule = new LearningRateSchedule({
    peak: options.learningRate,
    warmupSteps: options.warmup,
    isProvoked: options.provoke,
  });
  const progress = new Progress(run);
  let lastLoss: number | null = null;
  while (trainer.step < options.steps && !stop.aborted) {
    const { learningRate, isReset } = schedule.next(trainer.step + 1, lastLoss);
    const result = trainer.takeStep(learningRate);
    lastLoss = result.loss;
    if (isReset) {
      const title = `Learning rate reset to ${learningRate}`;
      run.event({ step: result.step, kind: 'learning_rate', title });
      console.log(`step ${result.step}: ${title.toLowerCase()}`);
    }
    post(run, options, result);
    if (options.checkpointEvery > 0 && result.step % options.checkpointEvery === 0) {
      await checkpoint(run, options, trainer);
    }
    progress.print(result);
    await giveToNetwork(run);
  }
  const isDone = await run.finish(stop.aborted ? 'stopped' : 'finished');
  const { accepted, duplicates, rejected, dropped } = run.counts;
  console.log(
    `${stop.aborted ? 'Stopped' : 'Finished'} after step ${trainer.step}: ${accepted} steps accepted, ` +
      `${duplicates} duplicates, ${rejected} rejected, ${dropped} dropped.`,
  );
  return isDone ? 0 : 1;
}

function post(run: RunHandle, options: TrainOptions, result: StepResult): void {
  const { step, loss, learningRate, gradientNorm, layers, histograms } = result;
  const hasHistograms = options.histogramEvery > 0 && step % options.histogramEvery === 0;
  run.log({
    step,
    loss,
    learningRate,
    gradientNorm,
    layers,
    ...(hasHistograms ? { histograms } : {}),
  });
}

async function checkpoint(run: RunHandle, options: TrainOptions, trainer: Trainer): Promise<void> {
  const path = await saveCheckpoint(
    join(options.checkpoints, run.id),
    trainer.specs,
    trainer.checkpoint(),
  );
  run.event({
    step: trainer.step,
    kind: 'checkpoint',
    title: `Checkpoint at step ${trainer.step}`,
    detail: path,
  });
}

/** tfjs computes on this thread, so the client gets its turns between two steps. */
async function giveToNetwork(run: RunHandle): Promise<void> {
  const endMs = performance.now() + NETWORK_MS;
  do await setImmediate();
  while (run.counts.queued > 0 && performance.now() < endMs);
}

class Progress {
  private lastMs = performance.now();
  private lastStep: number | null = null;

  constructor(private readonly run: RunHandle) {}

  print({ step, loss, gradientNorm }: StepResult): void {
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.lastMs;
    if (this.lastStep !== null && elapsedMs < PROGRESS_MS) return;
    const speed =
      this.lastStep === null
        ? ''
        : `  ${(((step - this.lastStep) * 1000) / elapsedMs).toFixed(1)} steps/s`;
    const { accepted, dropped } = this.run.counts;
    const lost = dropped > 0 ? `, ${dropped} dropped` : '';
    console.log(
      `step ${step}  loss ${loss.toPrecision(4)}  |g| ${gradientNorm.toPrecision(3)}${speed}  ` +
        `(${accepted} accepted${lost})`,
    );
    this.lastMs = nowMs;
    this.lastStep = step;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${usage()}`);
  process.exitCode = 2;
}
