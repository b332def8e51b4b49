/**
 * One incident for one excursion: it opens on the first bad step and closes after so many
 * steps in a row that are well. A step that is neither keeps it open and starts the count
 * anew, so that a value that trembles at its limit makes one incident and not fifty.
 */
import { z } from 'zod';
import { IncidentLog, openIncidentSchema } from './incident-log';
import type { ClosedBy, FoundIncident } from './rule-fold';

/** Layers that an incident names; all are counted. */
export const LAYERS_NAMED = 64;

export interface Extreme {
  /** null: it is not finite. */
  readonly value: number | null;
  /** How extreme; the largest stands. Infinity for what is not finite. */
  readonly rank: number;
}

/** The most extreme of the values that are noted, and the series that are bad. */
export class Worst {
  readonly bad: number[] = [];
  value = NaN;
  #rank = -Infinity;

  note(series: number, value: number, rank: number): void {
    this.bad.push(series);
    if (this.bad.length > 1 && rank <= this.#rank) return;
    this.value = value;
    this.#rank = rank;
  }

  get extreme(): Extreme | null {
    if (this.bad.length === 0) return null;
    return { value: Number.isFinite(this.value) ? this.value : null, rank: this.#rank };
  }
}

/** What a step says of a rule that it has anything to say of. */
export interface StepVerdict {
  readonly isBad: boolean;
  readonly isWell: boolean;
  /** Those that are bad. */
  readonly layers: readonly number[];
  readonly extreme: Extreme | null;
  /** The line that a person reads; asked for where an incident opens. */
  readonly describe: () => string;
}

export const excursionSchema = z.object({
  open: openIncidentSchema.nullable(),
  /** Of the peak; null is beyond all numbers. */
  rank: z.number().nullable(),
  /** All layers of the open incident. */
  members: z.array(z.int()),
  wellSteps: z.int(),
});
export type ExcursionState = z.infer<typeof excursionSchema>;

export class Excursion {
  readonly #closeAfter: number;
  readonly #log: IncidentLog;
  readonly #members: Set<number>;
  #rank: number;
  #wellSteps: number;

  constructor(closeAfter: number, saved: ExcursionState | null) {
    this.#closeAfter = closeAfter;
    const open = saved?.open ?? null;
    this.#log = new IncidentLog(open === null ? [] : [open]);
    this.#members = new Set(saved?.members ?? []);
    this.#rank = saved === null ? -Infinity : (saved.rank ?? Infinity);
    this.#wellSteps = saved?.wellSteps ?? 0;
  }

  get openings(): readonly string[] {
    return this.#log.openings;
  }

  get changed(): readonly FoundIncident[] {
    return this.#log.changed;
  }

  observe(step: number, verdict: StepVerdict): void {
    const [open] = this.#log.open;
    if (open === undefined) {
      if (verdict.isBad) this.#begin(step, verdict);
      return;
    }
    this.#wellSteps = verdict.isWell ? this.#wellSteps + 1 : 0;
    if (verdict.isBad) this.#grow(step, verdict);
    if (this.#wellSteps >= this.#closeAfter) this.closeAll('recovered', step);
  }

  closeAll(by: ClosedBy, step: number | null): void {
    this.#log.closeAll(by, step);
    this.#members.clear();
    this.#wellSteps = 0;
    this.#rank = -Infinity;
  }

  forgetChanges(): void {
    this.#log.forgetChanges();
  }

  save(): ExcursionState {
    return {
      open: this.#log.open[0] ?? null,
      rank: Number.isFinite(this.#rank) ? this.#rank : null,
      members: [...this.#members],
      wellSteps: this.#wellSteps,
    };
  }

  #begin(step: number, { layers, extreme, describe }: StepVerdict): void {
    for (const layer of layers) this.#members.add(layer);
    this.#rank = extreme?.rank ?? -Infinity;
    this.#wellSteps = 0;
    this.#log.put({
      ...{ opening: `${step}`, openedStep: step, title: describe(), spikeId: null },
      ...{ peakValue: extreme?.value ?? null, peakStep: extreme === null ? null : step },
      ...this.#named(),
    });
  }

  #grow(step: number, { layers, extreme }: StepVerdict): void {
    const [open] = this.#log.open;
    if (open === undefined) return;
    const before = this.#members.size;
    for (const layer of layers) this.#members.add(layer);
    const isHigher = extreme !== null && extreme.rank > this.#rank;
    if (!isHigher && this.#members.size === before) return;
    if (isHigher) this.#rank = extreme.rank;
    this.#log.put({
      ...open,
      ...(isHigher ? { peakValue: extreme.value, peakStep: step } : {}),
      ...(this.#members.size === before ? {} : this.#named()),
    });
  }

  #named(): { readonly layers: number[]; readonly layerCount: number } {
    const layers = [...this.#members].sort((a, b) => a - b);
    return { layers: layers.slice(0, LAYERS_NAMED), layerCount: layers.length };
  }
}
