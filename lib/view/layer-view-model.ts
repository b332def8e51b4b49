import type { DistributionsReply } from '../contract/reads';
import { resolveSteps, type ChosenSteps } from './chosen-steps';
import { prepareDistributionAxis, type AxisKind, type DistributionAxis } from './distribution-axis';
import {
  markerPlace,
  prepareDistributionPanel,
  type DistributionPanel,
  type HeightMode,
} from './distribution-panel';
import { formatFixed, formatNumber } from './format-number';
import type { DistributionItem } from './layer-words';
import { prepareRidgeline, type Ridgeline } from './ridgeline';

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
  readonly dip: { readonly text: string; readonly isTwoPeaks: boolean } | null;
}

export interface StepColumnView {
  readonly step: number;
  /** "before", "selected", "after". */
  readonly place: string;
  readonly isMain: boolean;
  /** "loss 0.0107, gradient norm 0.859". */
  readonly facts: string;
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
}

const KNOWN_KINDS = {
  update: { symbol: 'u', meaning: 'update m/(√v+ε)', std: 'update_std', dip: 'update_dip' },
  ratio: { symbol: 'r', meaning: 'ratio m/√v', std: 'ratio_std', dip: 'ratio_dip' },
} as const;

/** Rows of a ridgeline: more than 26 are too near to tell apart at 360 px. */
const RIDGES_BEFORE = 11;
const RIDGES = 26;
const DIP_TWO_PEAKS = 0.03;
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
  const { reply, selectedStep, requestedSteps, axisKind, mode } = input;
  const items = reply.items;
  const available = items.map(({ step }) => step);
  const chosen = resolveSteps(requestedSteps, available, selectedStep);
  const places = chosen.steps.map((step) => available.indexOf(step));
  const chosenItems = places.flatMap((place) => {
    const item = items[place];
    return item === undefined ? [] : [{ item, before: items[place - 1] ?? null }];
  });
  const kinds = orderKinds(items);
  const axes = prepareAxes(
    kinds,
    axisKind,
    chosenItems.map(({ item }) => item),
  );
  const burst = markerPlace(reply.referenceCurves, 'single_burst');
  const columns = chosenItems.map(({ item }, index) =>
    prepareColumn(item, index, chosen.mainIndex, kinds, axes, reply.referenceCurves, mode),
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
    })),
    items: chosenItems,
    burst,
    hasZeros: columns.some(({ panels }) => panels.some(({ panel }) => (panel?.zeroShare ?? 0) > 0)),
    axisLimit: (axes.get(known[0] ?? '') ?? prepareDistributionAxis(axisKind, [])).limit,
  };
}

/** u and r share an axis, since they are compared; every other kind has its own. */
function prepareAxes(
  kinds: readonly string[],
  axisKind: AxisKind,
  items: readonly DistributionItem[],
): ReadonlyMap<string, DistributionAxis> {
  const of = (wanted: (kind: string) => boolean) =>
    items.flatMap(({ distributions }) => distributions.filter(({ kind }) => wanted(kind)));
  const shared = prepareDistributionAxis(axisKind, of(isKnownKind));
  return new Map(
    kinds.map((kind) => [
      kind,
      isKnownKind(kind)
        ? shared
        : prepareDistributionAxis(
            axisKind,
            of((other) => other === kind),
          ),
    ]),
  );
}

function prepareColumn(
  item: DistributionItem,
  index: number,
  mainIndex: number,
  kinds: readonly string[],
  axes: ReadonlyMap<string, DistributionAxis>,
  curves: DistributionsReply['referenceCurves'],
  mode: HeightMode,
): StepColumnView {
  const norm = item.statistics['gradient_norm'] ?? null;
  return {
    step: item.step,
    place: index === mainIndex ? 'selected' : index < mainIndex ? 'before' : 'after',
    isMain: index === mainIndex,
    facts: [
      item.loss === null ? null : `loss ${formatNumber(item.loss)}`,
      norm === null ? null : `gradient norm ${formatNumber(norm)}`,
    ]
      .filter((fact) => fact !== null)
      .join(', '),
    panels: kinds.map((kind) => preparePanel(item, kind, axes.get(kind), curves, mode)),
  };
}

function preparePanel(
  item: DistributionItem,
  kind: string,
  axis: DistributionAxis | undefined,
  curves: DistributionsReply['referenceCurves'],
  mode: HeightMode,
): KindPanel {
  const distribution = item.distributions.find((entry) => entry.kind === kind);
  const known = isKnownKind(kind) ? KNOWN_KINDS[kind] : null;
  const std = known === null ? null : (item.statistics[known.std] ?? null);
  const dip = known === null ? null : (item.statistics[known.dip] ?? null);
  return {
    kind,
    symbol: symbolOf(kind),
    meaning: known?.meaning ?? 'of this run',
    panel:
      distribution === undefined || axis === undefined
        ? null
        : prepareDistributionPanel(
            `${symbolOf(kind)} at step ${item.step}`,
            distribution,
            known === null ? NO_CURVES : curves,
            axis,
            mode,
          ),
    std: std === null ? null : formatStd(std),
    dip: dip === null ? null : { text: formatFixed(dip, 3), isTwoPeaks: dip >= DIP_TWO_PEAKS },
  };
}

/** Three decimals beside each other are compared faster than three digits; tiny ones keep digits. */
function formatStd(std: number): string {
  return std >= 0.001 && std < 100 ? formatFixed(std, 3) : formatNumber(std);
}
