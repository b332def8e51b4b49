/** What detectors found around the steps that two sides are aligned at, side by side. */
import type { Spike, StageInterval } from '../../contract/reads';
import { STAGES_BY_SEVERITY } from '../../contract/stages';
import { refineSpike } from '../spikes/refined-spike';

export interface NamedSide {
  /** In model order. */
  readonly layerNames: readonly string[];
  readonly parameterCounts: readonly number[];
  readonly spike: Spike | null;
  /** Of its attempt, touching the steps that are shown. */
  readonly stages: readonly StageInterval[];
  readonly step: number;
}

/** Layers of fewer coordinates than this are noise, and so are their norms. */
const LARGE = 1000;

export interface MoverRow {
  readonly name: string;
  /** Steps before the rise; null where it did not move. */
  readonly left: number | null;
  readonly right: number | null;
}

/** The spike of an attempt that began at a step, by its best dates; loss spikes before others. */
export function spikeAt(spikes: readonly Spike[], attempt: number, step: number): Spike | null {
  const there = spikes
    .filter((spike) => spike.attempt === attempt)
    .map(refineSpike)
    .filter(({ onsetStep, riseStep }) => onsetStep === step || riseStep === step);
  return there.find(({ kind }) => kind !== 'rms_spike') ?? there[0] ?? null;
}

/** Layers that moved first on either side, by name: those that moved on both, then the longest lead, then large ones. */
export function compareMovers(left: NamedSide, right: NamedSide): MoverRow[] {
  const leads = [left, right].map(leadsByName);
  const names = new Set(leads.flatMap((side) => [...side.keys()]));
  const rows = Array.from(names, (name) => ({
    name,
    left: leads[0]?.get(name) ?? null,
    right: leads[1]?.get(name) ?? null,
  }));
  const onBoth = (row: MoverRow): number => (row.left !== null && row.right !== null ? 1 : 0);
  const longest = (row: MoverRow): number => Math.max(row.left ?? -1, row.right ?? -1);
  const sizes = new Map(
    [left, right].flatMap(({ layerNames, parameterCounts }) =>
      layerNames.map((name, index) => [name, parameterCounts[index] ?? 0] as const),
    ),
  );
  const isLarge = ({ name }: MoverRow): number => ((sizes.get(name) ?? 0) >= LARGE ? 1 : 0);
  return rows.sort(
    (a, b) => onBoth(b) - onBoth(a) || longest(b) - longest(a) || isLarge(b) - isLarge(a),
  );
}

function leadsByName({ spike, layerNames }: NamedSide): Map<string, number> {
  const leads = new Map<string, number>();
  for (const { layer, leadSteps } of spike?.firstMovers ?? []) {
    const name = layerNames[layer] ?? `layer ${layer}`;
    leads.set(name, Math.max(leads.get(name) ?? 0, leadSteps));
  }
  return leads;
}

export interface StageRow {
  readonly name: string;
  /** null: the side has no such layer, or nothing is known of it; not so of those that differ. */
  readonly left: string | null;
  readonly right: string | null;
}

export interface ComparedStages {
  /** Layers by name that stood in different stages, the more severe first. */
  readonly different: readonly StageRow[];
  /** Layers of both sides that stood in the same. */
  readonly sameCount: number;
  /** Layers whose stage is known on one side alone. */
  readonly aloneCount: number;
  /** Whether either side knows any stage at its step. */
  readonly isKnown: boolean;
}

/** Which stage every layer stood in at 0. */
export function compareStages(left: NamedSide, right: NamedSide): ComparedStages {
  const [ofLeft, ofRight] = [stagesByName(left), stagesByName(right)];
  const names = new Set([...ofLeft.keys(), ...ofRight.keys()]);
  const rows = Array.from(names, (name) => ({
    name,
    left: ofLeft.get(name) ?? null,
    right: ofRight.get(name) ?? null,
  }));
  const severity = (row: StageRow): number =>
    Math.max(
      ...[row.left, row.right].map((stage) =>
        STAGES_BY_SEVERITY.findIndex((known) => known === stage),
      ),
    );
  return {
    different: rows
      .filter(({ left: one, right: other }) => one !== null && other !== null && one !== other)
      .sort((a, b) => severity(b) - severity(a)),
    sameCount: rows.filter((row) => row.left === row.right).length,
    aloneCount: rows.filter((row) => row.left === null || row.right === null).length,
    isKnown: rows.length > 0,
  };
}

function stagesByName({ stages, layerNames, step }: NamedSide): Map<string, string> {
  // What cannot be told on both sides is not the same stage.
  const standing = stages.filter(
    ({ stage, fromStep, toStep }) =>
      stage !== 'insufficient_data' && fromStep <= step && (toStep ?? Infinity) >= step,
  );
  return new Map(
    standing.map(({ layer, stage }) => [layerNames[layer] ?? `layer ${layer}`, stage]),
  );
}
