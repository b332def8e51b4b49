/**
 * The detectors on trainings that nobody has looked at: the example transformer, small,
 * trained for real in this process under settings that are healthy, memorise one batch or
 * are provoked. Prints each event beside the losses around it, and how the stages went.
 * Run: npx tsx bench/detect-training.ts (about four minutes)
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startBackend } from '../examples/transformer/backend';
import { type Corpus, parseCorpus } from '../examples/transformer/corpus';
import { LearningRateSchedule } from '../examples/transformer/learning-rate';
import { countParameters } from '../examples/transformer/model';
import { type StepResult, Trainer } from '../examples/transformer/trainer';
import { createRunDetector, observeStep } from '../lib/detect/run-detector';
import { dipOfHistogram } from '../lib/stats/dip-of-histogram';

interface Training {
  readonly name: string;
  readonly steps: number;
  readonly learningRate: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** 1: one batch for ever, learned by heart. */
  readonly batchCount?: number;
  readonly isProvoked?: boolean;
}

const TRAININGS: readonly Training[] = [
  { name: 'healthy', steps: 400, learningRate: 3e-3 },
  { name: 'high learning rate', steps: 500, learningRate: 3e-2 },
  { name: 'β2 0.999', steps: 500, learningRate: 6e-3, beta2: 0.999 },
  { name: 'one batch, ε 1e-5', steps: 900, learningRate: 5e-3, epsilon: 1e-5, batchCount: 1 },
  { name: 'one batch, ε 1e-8', steps: 900, learningRate: 3e-3, batchCount: 1 },
  {
    name: 'provoked',
    steps: 600,
    learningRate: 3e-3,
    epsilon: 1e-5,
    batchCount: 1,
    isProvoked: true,
  },
];
const BETA1 = 0.9;
const WARM_UP_STEPS = 30;
const SEED = 3;

function layerMetricsOf({ layers, histograms }: StepResult): Map<string, Float32Array> {
  const metrics = new Map(Object.entries(layers));
  for (const [kind, metric] of [
    ['ratio', 'ratio_dip'],
    ['update', 'update_dip'],
  ] as const) {
    const histogram = histograms[kind];
    if (histogram === undefined) continue;
    const edges = Float32Array.from(histogram.edges);
    const bins = edges.length - 1;
    const layerCount = Object.values(layers)[0]?.length ?? 0;
    const rowOf = (values: ArrayLike<number> | undefined, layer: number, width: number) =>
      Uint32Array.from({ length: width }, (_, i) => values?.[layer * width + i] ?? 0);
    metrics.set(
      metric,
      Float32Array.from({ length: layerCount }, (_, layer) =>
        dipOfHistogram({
          edges,
          counts: rowOf(histogram.counts, layer, bins),
          outside: rowOf(histogram.outside, layer, 4),
        }),
      ),
    );
  }
  return metrics;
}

function run(training: Training, corpus: Corpus): void {
  const { name, steps, learningRate: peak, beta2 = 0.95, epsilon = 1e-8 } = training;
  const trainer = new Trainer(corpus, {
    model: {
      vocabularySize: corpus.characters.length,
      contextLength: 32,
      width: 32,
      depth: 4,
      headCount: 2,
    },
    optimizer: { beta1: BETA1, beta2, epsilon, weightDecay: 0 },
    batchSize: 8,
    batchCount: training.batchCount ?? 0,
    seed: SEED,
  });
  const schedule = new LearningRateSchedule({
    peak,
    warmupSteps: WARM_UP_STEPS,
    isProvoked: training.isProvoked ?? false,
  });
  const detector = createRunDetector(trainer.specs.length);
  const context = {
    parameterCounts: trainer.specs.map(countParameters),
    beta1: BETA1,
    beta2,
    epsilon,
  };
  const losses: number[] = [];
  const stages = new Map<string, number>();
  let rmsSpikes = 0;
  console.log(`\n${name}: ${trainer.specs.length} layers, ${steps} steps`);
  while (trainer.step < steps) {
    const { learningRate, isReset } = schedule.next(trainer.step + 1, losses.at(-1) ?? null);
    if (isReset) console.log(`  learning rate raised at ${trainer.step + 1}`);
    const result = trainer.takeStep(learningRate);
    losses.push(result.loss);
    const findings = observeStep(
      detector,
      {
        step: result.step,
        scalars: new Map([
          ['loss', result.loss],
          ['learning_rate', learningRate],
          ['gradient_norm', result.gradientNorm],
        ]),
        layerMetrics: layerMetricsOf(result),
      },
      context,
    );
    for (const { phase, event, precursor } of findings.loss) {
      if (phase !== 'closed' && event.kind !== 'outlier_batch') continue;
      const around = losses.slice(event.onsetStep - 4, event.onsetStep + 3);
      console.log(
        `  ${event.kind} ${event.onsetStep} to ${event.recoveredStep ?? '–'}, rise ${event.riseStep}, peak ${event.peakValue?.toPrecision(3) ?? '–'}; ` +
          `${precursor.verdict}, lead ${precursor.firstMovers[0]?.leadSteps ?? 0}, ${precursor.firstMovers.length} layers; ` +
          `losses from ${event.onsetStep - 3}: ${around.map((loss) => loss.toPrecision(3)).join(' ')}`,
      );
    }
    rmsSpikes += findings.rmsSpikes.filter(({ phase }) => phase === 'opened').length;
    for (const { stage } of findings.stages) stages.set(stage, (stages.get(stage) ?? 0) + 1);
  }
  console.log(`  loss at the end ${(losses.at(-1) ?? NaN).toPrecision(3)}`);
  console.log(`  RMS spikes: ${rmsSpikes}`);
  console.log(
    `  stage changes: ${Array.from(stages, ([stage, count]) => `${stage} ${count}`).join(', ')}`,
  );
}

async function main(): Promise<void> {
  const novel = fileURLToPath(new URL('../examples/data/persuasion.txt', import.meta.url));
  const corpus = parseCorpus(readFileSync(novel, 'utf8'));
  await startBackend();
  for (const training of TRAININGS) run(training, corpus);
}

await main();
