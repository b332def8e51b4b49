/**
 * One training run, one step at a time:
 *
 *   batch t ─▶ loss and g ─▶ m, v take g in ─▶ statistics ─▶ u moves the weights
 *
 * so that what is reported for step t is what the model was before t's update, and the
 * update it got: a bad update can show in the loss at t + 1 at the earliest.
 */
import {
  type AdamWOptions,
  type AdamWState,
  applyUpdate,
  startAdamW,
  updateMoments,
} from './adamw';
import { type Corpus, drawBatch } from './corpus';
import { type StepStatistics, computeStepStatistics, makeBins } from './layer-statistics';
import {
  type ModelShape,
  type ParameterSpec,
  computeGradients,
  initialValues,
  listParameters,
} from './model';
import { seededRandom } from './seeded-random';

export interface TrainerSettings {
  readonly model: ModelShape;
  readonly optimizer: AdamWOptions;
  readonly batchSize: number;
  /** How many different batches there are, taken in turn; 0: a new one every step. */
  readonly batchCount: number;
  readonly seed: number;
}

export interface StepResult extends StepStatistics {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
}

/** All that a run needs to go on: [n] float32 for every parameter, in model order. */
export interface Checkpoint {
  readonly step: number;
  readonly parameters: readonly {
    readonly weight: Float32Array;
    readonly firstMoment: Float32Array;
    readonly secondMoment: Float32Array;
  }[];
}

export class Trainer {
  readonly specs: readonly ParameterSpec[];
  private readonly states: readonly AdamWState[];
  private readonly bins: ReturnType<typeof makeBins>;
  private previousGradients: readonly Float32Array[] | null = null;
  /** The newest step taken; 0 before the first. */
  private currentStep = 0;

  constructor(
    private readonly corpus: Corpus,
    private readonly settings: TrainerSettings,
  ) {
    this.specs = listParameters(settings.model);
    const values = initialValues(this.specs, seededRandom(settings.seed));
    this.states = this.specs.map(({ kind }, index) =>
      startAdamW(values[index] ?? new Float32Array(), kind !== 'norm'),
    );
    this.bins = makeBins(settings.optimizer);
  }

  get step(): number {
    return this.currentStep;
  }

  /** Takes one step. Needs `startBackend` to have run. */
  takeStep(learningRate: number): StepResult {
    const { model, optimizer, batchSize, batchCount, seed } = this.settings;
    const step = this.currentStep + 1;
    const batch = drawBatch(
      this.corpus,
      { batchSize, contextLength: model.contextLength },
      seed,
      batchCount > 0 ? step % batchCount : step,
    );
    const { loss, gradients } = computeGradients(
      model,
      this.specs,
      this.states.map(({ weight }) => weight),
      batch,
    );
    this.states.forEach((state, index) => {
      updateMoments(state, gradients[index] ?? new Float32Array(), optimizer, step);
    });
    const statistics = computeStepStatistics(
      this.states,
      gradients,
      this.previousGradients,
      optimizer.epsilon,
      this.bins,
    );
    for (const state of this.states) applyUpdate(state, optimizer, learningRate);
    this.previousGradients = gradients;
    this.currentStep = step;
    return { step, loss, learningRate, ...statistics };
  }

  /** The state as it is, not copied: write it before the next step. */
  checkpoint(): Checkpoint {
    return { step: this.currentStep, parameters: this.states };
  }

  /** Throws  RangeError when the checkpoint is of a model of another shape */
  restore({ step, parameters }: Checkpoint): void {
    if (parameters.length !== this.states.length) {
      throw new RangeError(
        `expected ${this.states.length} parameters in the checkpoint, got ${parameters.length}`,
      );
    }
    this.states.forEach((state, index) => {
      const stored = parameters[index];
      if (stored?.weight.length !== state.weight.length) {
        throw new RangeError(
          `${this.specs[index]?.name ?? ''}: expected ${state.weight.length} weights in the checkpoint, ` +
            `got ${stored?.weight.length ?? 0}`,
        );
      }
      state.weight.set(stored.weight);
      state.firstMoment.set(stored.firstMoment);
      state.secondMoment.set(stored.secondMoment);
    });
    this.previousGradients = null;
    this.currentStep = step;
  }
}
