/** What was found and is not written yet; the newest word on a spike or warning stands for all. */
import type { Warning } from '../../../lib/contract/warnings';
import type { Findings, StoredStageChange } from '../../../lib/store/findings/findings';
import type { RmsSpikeStep } from '../../../lib/store/findings/rms-spike-steps';
import type { SpikeToSave } from '../../../lib/store/findings/save-spikes';
import type { FindingsOfStep } from './step-findings';

export class PendingFindings {
  readonly #spikes = new Map<string, SpikeToSave>();
  readonly #warnings = new Map<string, Warning>();
  readonly #rmsSpikeSteps: RmsSpikeStep[] = [];
  readonly #stageChanges: StoredStageChange[] = [];
  readonly #rewindTo: number | null;

  /** `rewindTo`: what was found after this step goes first; null: it stays. */
  constructor(rewindTo: number | null) {
    this.#rewindTo = rewindTo;
  }

  get isEmpty(): boolean {
    const { size } = this.#spikes;
    const { length } = this.#stageChanges;
    return size + this.#warnings.size + this.#rmsSpikeSteps.length + length === 0;
  }

  /** `rmsStarting` are the layers whose RMS began to spike on the step. */
  add(step: number, found: FindingsOfStep, rmsStarting: readonly number[]): void {
    for (const spike of found.spikes) this.#spikes.set(spike.spike.id, spike);
    for (const warning of found.warnings) this.#warnings.set(warning.id, warning);
    if (rmsStarting.length > 0) this.#rmsSpikeSteps.push({ step, layers: rmsStarting });
    this.#stageChanges.push(...found.stageChanges);
  }

  addStageChange(change: StoredStageChange): void {
    this.#stageChanges.push(change);
  }

  /** These, and what was found since: after a write that failed. */
  followedBy(newer: PendingFindings): PendingFindings {
    const both = new PendingFindings(this.#rewindTo);
    for (const part of [this, newer]) {
      for (const [id, spike] of part.#spikes) both.#spikes.set(id, spike);
      for (const [id, warning] of part.#warnings) both.#warnings.set(id, warning);
      both.#rmsSpikeSteps.push(...part.#rmsSpikeSteps);
      both.#stageChanges.push(...part.#stageChanges);
    }
    return both;
  }

  take(): Omit<Findings, 'runKey' | 'attempt' | 'state'> {
    return {
      rewindTo: this.#rewindTo,
      spikes: [...this.#spikes.values()],
      warnings: [...this.#warnings.values()],
      rmsSpikeSteps: this.#rmsSpikeSteps,
      stageChanges: this.#stageChanges,
    };
  }
}
