import type { DistributionsReply } from '../../contract/reads';
import { resolveSteps, type ChosenSteps } from './chosen-steps';
import { prepareDistributionAxis, type AxisKind, type DistributionAxis } from './distribution-axis';
import {
  markerPlace,
  prepareDistributionPanel,
  type DistributionPanel,
  type PanelStyle,
} from './distribution-panel';
import { STAGE_THRESHOLDS } from '../../contract/stages';
import { dipPValue } from '../../stats/dip-p-value';
import { prepareDistributionHeatmap, type DistributionHeatmap } from './distribution-heatmap';
import { formatFixed, formatNumber, formatStep } from '../text/format-number';
import type { DistributionItem } from './distribution-item';
import type { HeightMode, NormalPart } from './reference-curve';
import { prepareRidgeline, type Ridgeline } from './ridgeline';
import { countFinite } from './to-histogram';

/** The distribution of one kind at one chosen step, with the numbers that stand above it. */
export interface KindPanel {
  readonly kind: string;
  /** "u", "r" or the name of a distribution of the run's own. */
  readonly symbol: string;
  /** "update m/(√v+ε)". */
  readonly meaning: string;
  /** null where this step did not report the kind. */
  readonly panel: DistributionPanel | null;
  readonly std: string | null;
  readonly dip: DipText | null;
  /** The same numbers of the distribution laid over it. */
  readonly other: { readonly std: string | null; readonly dip: DipText | null } | null;
}

export interface DipText {
  readonly text: string;
  /** "p < 0.001": of one peak, for at most 10 000 coordinates; null where they are not known. */
  readonly p: string | null;
  readonly isTwoPeaks: boolean;
}

export interface StepColumnView {
  readonly step: number;
  /** "before", "selected", "after". */
  readonly place: string;
  readonly isMain: boolean;
  /** "loss 0.0107, gradient norm 0.859". */
  readonly facts: string;
  /** The step of what is laid over it; null where nothing is. */
  readonly otherStep: number | null;
  readonly panels: readonly KindPanel[];
}

export interface LayerViewModel {
  readonly chosen: ChosenSteps;
  readonly available: readonly number[];
  readonly kinds: readonly string[];
  readonly columns: readonly StepColumnView[];
  readonly ridgelines: readonly {
    readonly kind: string;
    readonly symbol: string;
    readonly ridgeline: Ridgeline;
    readonly heatmap: DistributionHeatmap;
  }[];
  /** The chosen items and, for each, the reported item before it; null at the window's start. */
  readonly items: readonly {
    readonly item: DistributionItem;
    readonly before: DistributionItem | null;
  }[];
  readonly burst: number | null;
  readonly hasZeros: boolean;
  /** The axis of u and r runs over ±this; markers beyond it are only named. */
  readonly axisLimit: number;
}

export interface LayerViewInput {
  readonly reply: DistributionsReply;
  readonly selectedStep: number;
  readonly requestedSteps: readonly number[];
  readonly axisKind: AxisKind;
  readonly mode: HeightMode;
  /** The correlated reference; empty for none. */
  readonly correlated: readonly NormalPart[];
  /** What is laid over, at the same steps: another layer, or another run's. */
  readonly other: DistributionsReply | null;
}

const KNOWN_KINDS = {
  update: { symbol: 'u', meaning: 'update m/(√v+ε)', std: 'update_std', dip: 'update_dip' },
  ratio: { symbol: 'r', meaning: 'ratio m/√v', std: 'ratio_std', dip: 'ratio_dip' },
} as const;

/** Rows of a ridgeline: more than 26 are too near to tell apart at 360 px. */
const RIDGES_BEFORE = 11;
const RIDGES = 26;
const NO_CURVES: DistributionsReply['referenceCurves'] = {
  healthyStd: null,
  ratioBound: null,
  markers: [],
};

function isKnownKind(kind: string): kind is keyof typeof KNOWN_KINDS {
  return Object.hasOwn(KNOWN_KINDS, kind);
}

/** u first, r second, then the run's own kinds by name. */
function orderKinds(items: readonly DistributionItem[]): readonly string[] {
  const kinds = new Set(
    items.flatMap(({ distributions }) => distributions.map(({ kind }) => kind)),
  );
  const own = [...kinds].filter((kind) => !isKnownKind(kind)).sort();
  return [...Object.keys(KNOWN_KINDS).filter((kind) => kinds.has(kind)), ...own];
}

function symbolOf(kind: string): string {
  return isKnownKind(kind) ? KNOWN_KINDS[kind].symbol : kind;
}

/** All that the page draws of distributions, from one reply and what the URL holds. */
export function prepareLayerView(input: LayerViewInput): LayerViewModel {
  const { reply, selectedStep, requestedSteps, axisKind, mode, correlated, other } = input;
  const items = reply.items;
  const available = items.map(({ step }) => step);
  const chosen = resolveSteps(requestedSteps, available, selectedStep);
  const places = chosen.steps.map((step) => available.indexOf(step));
  const chosenItems = places.flatMap((place) => {
    const item = items[place];
    return item === undefined ? [] : [{ item, before: items[place - 1] ?? null }];
  });
  const kinds = orderKinds(items);
  const otherItems = chosenItems.map(({ item }) => findAtOrBefore(other?.items ?? [], item.step));
  const axes = prepareAxes(kinds, axisKind, [
    ...chosenItems.map(({ item }) => item),
    ...otherItems.filter((item) => item !== null),
  ]);
  const burst = markerPlace(reply.referenceCurves, 'single_burst');
  const drawn = { axes, mode, curves: reply.referenceCurves, correlated };
  const columns = chosenItems.map(({ item }, index) =>
    prepareColumn(item, otherItems[index] ?? null, index - chosen.mainIndex, kinds, drawn),
  );
  const main = chosen.steps[chosen.mainIndex] ?? selectedStep;
  const mainPlace = available.indexOf(main);
  const firstRidge = Math.max(0, Math.min(mainPlace - RIDGES_BEFORE, items.length - RIDGES));
  const known = kinds.filter(isKnownKind);
  return {
    chosen,
    available,
    kinds,
    columns,
    ridgelines: known.map((kind) => ({
      kind,
      symbol: symbolOf(kind),
      ridgeline: prepareRidgeline(
        items.slice(firstRidge, firstRidge + RIDGES),
        kind,
        axes.get(kind) ?? prepareDistributionAxis(axisKind, []),
        { main, others: chosen.steps.filter((step) => step !== main) },
        burst,
      ),
      heatmap: prepareDistributionHeatmap(
        items,
        kind,
        axes.get(kind) ?? prepareDistributionAxis(axisKind, []),
        burst,
      ),
    })),
    items: chosenItems,
    burst,
    hasZeros: columns.some(({ panels }) => panels.some(({ panel }) => (panel?.zeroShare ?? 0) > 0)),
    axisLimit: (axes.get(known[0] ?? '') ?? prepareDistributionAxis(axisKind, [])).limit,
  };
}

/** What was reported at the step, or the newest before it. */
function findAtOrBefore(items: readonly DistributionItem[], step: number): DistributionItem | null {
  return items.filter((item) => item.step <= step).at(-1) ?? null;
}

/** u and r reach equally far, since they are compared; every other kind has its own axis. */
function prepareAxes(
  kinds: readonly string[],
  axisKind: AxisKind,
  items: readonly DistributionItem[],
): ReadonlyMap<string, DistributionAxis> {
  const of = (wanted: (kind: string) => boolean) =>
    items.flatMap(({ distributions }) => distributions.filter(({ kind }) => wanted(kind)));
  const known = of(isKnownKind);
  return new Map(
    kinds.map((kind) => {
      const own = of((other) => other === kind);
      return [kind, prepareDistributionAxis(axisKind, isKnownKind(kind) ? known : own, own)];
    }),
  );
}

interface DrawnAlike extends Omit<PanelStyle, 'axis'> {
  readonly axes: ReadonlyMap<string, DistributionAxis>;
}

function prepareColumn(
  item: DistributionItem,
  other: DistributionItem | null,
  offset: number,
  kinds: readonly string[],
  drawn: DrawnAlike,
): StepColumnView {
  const norm = item.statistics['gradient_norm'] ?? null;
  return {
    step: item.step,
    place: offset === 0 ? 'selected' : offset < 0 ? 'before' : 'after',
    isMain: offset === 0,
    facts: [
      item.loss === null ? null : `loss ${formatNumber(item.loss)}`,
      norm === null ? null : `gradient norm ${formatNumber(norm)}`,
    ]
      .filter((fact) => fact !== null)
      .join(', '),
    otherStep: other?.step ?? null,
    panels: kinds.map((kind) => preparePanel(item, other, kind, drawn)),
  };
}

function preparePanel(
  item: DistributionItem,
  other: DistributionItem | null,
  kind: string,
  { axes, ...drawn }: DrawnAlike,
): KindPanel {
  const axis = axes.get(kind);
  const distribution = item.distributions.find((entry) => entry.kind === kind);
  const overlaid = other?.distributions.find((entry) => entry.kind === kind) ?? null;
  const known = isKnownKind(kind) ? KNOWN_KINDS[kind] : null;
  const style = known === null ? { ...drawn, curves: NO_CURVES, correlated: [] } : drawn;
  return {
    kind,
    symbol: symbolOf(kind),
    meaning: known?.meaning ?? 'of this run',
    panel:
      distribution === undefined || axis === undefined
        ? null
        : prepareDistributionPanel(
            `${symbolOf(kind)} at step ${formatStep(item.step)}`,
            distribution,
            { ...style, axis },
            overlaid,
          ),
    ...numbersOf(item, kind),
    other: other === null ? null : numbersOf(other, kind),
  };
}

function numbersOf(
  item: DistributionItem,
  kind: string,
): { readonly std: string | null; readonly dip: DipText | null } {
  if (!isKnownKind(kind)) return { std: null, dip: null };
  const std = item.statistics[KNOWN_KINDS[kind].std] ?? null;
  const dip = item.statistics[KNOWN_KINDS[kind].dip] ?? null;
  const distribution = item.distributions.find((entry) => entry.kind === kind);
  return {
    std: std === null ? null : formatStd(std),
    dip:
      dip === null
        ? null
        : {
            text: formatFixed(dip, 3),
            p:
              distribution === undefined
                ? null
                : formatP(dipPValue(dip, countFinite(distribution))),
            isTwoPeaks: dip >= STAGE_THRESHOLDS.twoPeaksDip,
          },
  };
}

/** "p < 0.001", "p 0.04": beyond the simulated quantiles there is no digit to give. */
export function formatP(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p ${p >= 0.1 ? formatFixed(p, 2) : formatFixed(p, 3)}`;
}

/** Three decimals beside each other are compared faster than three digits; tiny ones keep digits. */
function formatStd(std: number): string {
  return std >= 0.001 && std < 100 ? formatFixed(std, 3) : formatNumber(std);
}
