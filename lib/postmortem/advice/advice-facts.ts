/** What advice is composed from: a run as it stands at one step, read by lib/query. */
import type { AdviceItem } from '../../contract/advice';
import type { Spike, StageInterval } from '../../contract/reads';
import type { Attempt, Layer, Optimizer, RunEvent } from '../../contract/runs';
import type { Warning } from '../../contract/warnings';
import type { StepColumns } from '../facts';

export interface AdviceFacts {
  /** The newest attempt: advice is for the job that posts into it. */
  readonly attempt: number;
  readonly optimizer: Optimizer;
  readonly attempts: readonly Pick<Attempt, 'attempt' | 'resumeFromStep'>[];
  /** The newest step that detectors have looked at. */
  readonly step: number;
  /** Where start-up ended; null while it goes on. What RMS does in it is no sign of anything. */
  readonly watchedFromStep: number | null;
  readonly layers: readonly Pick<Layer, 'name' | 'parameterCount'>[];
  /** The last reported steps up to `step`, of the newest attempt. */
  readonly columns: StepColumns;
  /** The newest one reported, not finite as itself; null where none of the last steps has one. */
  readonly lastLoss: number | null;
  /** Of all attempts, onset ascending; of RMS spikes those of the newest attempt's last steps, without their movers. */
  readonly spikes: readonly Spike[];
  /** The newest attempt's on `step`, one for all that are healthy; before the last loss events, what led to them. */
  readonly stages: readonly StageInterval[];
  /** Of all attempts, by step. */
  readonly events: readonly RunEvent[];
  /** Those of the newest attempt that hold on `step`. */
  readonly warnings: readonly Warning[];
  /** Of open incidents, by the spike that they tell of. */
  readonly incidents: ReadonlyMap<string, string>;
}

/** An item without what is the same for most. */
export type AdviceDraft = Pick<
  AdviceItem,
  'action' | 'severity' | 'reason' | 'caveat' | 'sinceStep'
> & {
  /** What makes it the same advice: with attempt and action its id. */
  readonly key: string;
} & Partial<
    Pick<
      AdviceItem,
      'layers' | 'factor' | 'value' | 'forSteps' | 'checkpointStep' | 'skipSteps' | 'spikeId'
    >
  >;

/** From this many reported steps the newest value of each layer is taken: distributions come every tenth step. */
export const FIGURE_STEPS = 16;
