/** The incidents of a fold: which are open, and what changed since it was last saved. */
import { z } from 'zod';
import type { ClosedBy, FoundIncident } from './rule-fold';

/** As an open incident lies in a saved state. */
export const openIncidentSchema = z.object({
  opening: z.string(),
  openedStep: z.number().nullable(),
  title: z.string(),
  peakValue: z.number().nullable(),
  peakStep: z.number().nullable(),
  layers: z.array(z.int()),
  layerCount: z.int(),
  spikeId: z.string().nullable(),
});
export type OpenIncident = z.infer<typeof openIncidentSchema>;

export class IncidentLog {
  readonly #open = new Map<string, OpenIncident>();
  readonly #changed = new Map<string, FoundIncident>();

  constructor(saved: readonly OpenIncident[] = []) {
    for (const incident of saved) this.#open.set(incident.opening, incident);
  }

  get openings(): string[] {
    return [...this.#open.keys()];
  }

  get open(): OpenIncident[] {
    return [...this.#open.values()];
  }

  get changed(): FoundIncident[] {
    return [...this.#changed.values()];
  }

  find(opening: string): OpenIncident | undefined {
    return this.#open.get(opening);
  }

  /** A new incident, or one that is open and looks different now. */
  put(incident: OpenIncident): void {
    this.#open.set(incident.opening, incident);
    this.#changed.set(incident.opening, { ...incident, closed: null });
  }

  close(opening: string, by: ClosedBy, step: number | null): void {
    const incident = this.#open.get(opening);
    if (incident === undefined) return;
    this.#open.delete(opening);
    this.#changed.set(opening, { ...incident, closed: { step, by } });
  }

  closeAll(by: ClosedBy, step: number | null): void {
    for (const opening of [...this.#open.keys()]) this.close(opening, by, step);
  }

  forgetChanges(): void {
    this.#changed.clear();
  }
}
