/**
 * The learning rate of each step. Plainly: a linear warm-up, then constant.
 *
 * Provoked: held until HOLD_STEPS, taken down to a tenth until DECAY_STEPS while the loss
 * settles and v shrinks with the gradients; once the losses are level it is reset to twice
 * its height at once, as a job does that restarts its schedule.
 */
export interface LearningRateStep {
  readonly learningRate: number;
  /** True on the one step at which a provoked schedule is reset. */
  readonly isReset: boolean;
}

export interface LearningRateOptions {
  readonly peak: number;
  readonly warmupSteps: number;
  readonly isProvoked: boolean;
}

/** By then the default run has learned its batch by heart: loss 0.013 from 4.3. */
const HOLD_STEPS = 100;
const DECAY_STEPS = 200;
const SETTLED_FACTOR = 0.1;
/** Once the height was not always enough; twice spiked in every run tried (examples/README.md). */
const RESET_FACTOR = 2;
/** Level: the largest of the last LEVEL_STEPS losses at most LEVEL_RATIO times the smallest. */
const LEVEL_STEPS = 20;
const LEVEL_RATIO = 1.25;

export class LearningRateSchedule {
  private readonly recentLosses: number[] = [];
  private isAfterReset = false;

  constructor(private readonly options: LearningRateOptions) {}

  /** Rates for step 1, 2, …; `lastLoss` is that of the step before, null before the first. */
  next(step: number, lastLoss: number | null): LearningRateStep {
    const { peak, warmupSteps, isProvoked } = this.options;
    if (lastLoss !== null) {
      this.recentLosses.push(lastLoss);
      if (this.recentLosses.length > LEVEL_STEPS) this.recentLosses.shift();
    }
    const warm = warmupSteps > 0 ? peak * Math.min(1, step / warmupSteps) : peak;
    if (!isProvoked || step <= HOLD_STEPS) return { learningRate: warm, isReset: false };
    if (this.isAfterReset) return { learningRate: peak * RESET_FACTOR, isReset: false };
    if (step > DECAY_STEPS && this.isLevel()) {
      this.isAfterReset = true;
      return { learningRate: peak * RESET_FACTOR, isReset: true };
    }
    const share = Math.min(1, (step - HOLD_STEPS) / (DECAY_STEPS - HOLD_STEPS));
    return { learningRate: warm * (1 - (1 - SETTLED_FACTOR) * share), isReset: false };
  }

  private isLevel(): boolean {
    if (this.recentLosses.length < LEVEL_STEPS) return false;
    return Math.max(...this.recentLosses) <= LEVEL_RATIO * Math.min(...this.recentLosses);
  }
}
