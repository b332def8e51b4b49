/**
 * What a rule sees and what it finds. A fold holds the state of one rule on one attempt; it is
 * shown steps in ascending order, however they are split, and says which incidents opened,
 * moved or closed. Nothing here reads a clock or a store.
 */
import type { AlertCondition } from '../contract/alert-rules';
import type { Incident } from '../contract/incidents';
import type { Spike } from '../contract/reads';
import type { StageName } from '../contract/stages';
import type { WarningKind } from '../contract/warnings';

/** What one step reported, as far as the rules ask for it. */
export interface AlertStep {
  readonly step: number;
  readonly scalars: ReadonlyMap<string, number>;
  /** [L] a metric; MISSING_FLOAT32_BITS where not reported. */
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
  /** Stages that layers stand in from this step on. */
  readonly stageChanges: readonly StageChange[];
  /** Layers whose RMS left its limit on this step. */
  readonly rmsStarting: readonly number[];
}

export interface StageChange {
  readonly layer: number;
  readonly stage: StageName;
}

/** Findings of detectors as they stand now, of the attempt that is folded. */
export interface AlertFindings {
  readonly spikes: readonly Spike[];
  readonly warnings: readonly AlertWarning[];
}

export interface AlertWarning {
  readonly id: string;
  readonly kind: WarningKind;
  readonly fromStep: number;
  readonly toStep: number | null;
  readonly peakStep: number;
  readonly peakValue: number;
}

export type ClosedBy = NonNullable<Incident['closedBy']>;

/** An incident of a rule on an attempt. */
export interface FoundIncident {
  /** What tells it from the rule's others on this attempt; never changes. */
  readonly opening: string;
  readonly openedStep: number | null;
  readonly title: string;
  /** null where it has none, or it is not finite. */
  readonly peakValue: number | null;
  readonly peakStep: number | null;
  /** At most 64 of them, by index. */
  readonly layers: readonly number[];
  readonly layerCount: number;
  readonly spikeId: string | null;
  /** null while it is open. */
  readonly closed: { readonly step: number | null; readonly by: ClosedBy } | null;
}

/** Of the run that is folded. */
export interface FoldContext {
  /** [L] */
  readonly layerNames: readonly string[];
  /** [L] 1 where the rule's `layers` names the layer; all of them where it names none. */
  readonly layerMask: Uint8Array;
  /** Nothing of this step or before is looked at. */
  readonly startStep: number;
  /** Where layers stand on `startStep`. */
  readonly stagesAtStart: readonly StageChange[];
}

/** What has to be read of a step for a rule. */
export interface FoldNeeds {
  readonly scalars: readonly string[];
  readonly layerMetrics: readonly string[] | 'all';
  readonly stages: boolean;
  readonly rmsSpikes: boolean;
  readonly spikes: boolean;
  readonly warnings: boolean;
  /** Looks at the clock and not at steps. */
  readonly clock: boolean;
}

export interface RuleFold {
  readonly condition: AlertCondition;
  /** Takes in the next step. */
  observe(step: AlertStep): void;
  /** Findings, once the steps before them have been taken in. */
  settle(findings: AlertFindings): void;
  /** Closes whatever is open. */
  closeAll(by: ClosedBy, step: number | null): void;
  /** Those that opened or changed since `forgetChanges`. */
  readonly changed: readonly FoundIncident[];
  /** Of the incidents that are open. */
  readonly openings: readonly string[];
  /** To be called once they are saved. */
  forgetChanges(): void;
  /** Plain JSON, from which the same fold goes on. */
  save(): object;
  /** About how many numbers that holds. */
  readonly stateSize: number;
}
