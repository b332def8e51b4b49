import { describe, expect, it } from 'vitest';
import type { DistributionsReply } from '@/lib/contract/reads';
import { formatP, prepareLayerView, type LayerViewInput } from '@/lib/view/layer/layer-view-model';
import { CURVES, aDistribution, anItem, type Item } from '../../../builders/distribution-item';

function aReply(items: readonly Item[]): DistributionsReply {
  return {
    layer: { index: 4, name: 'h.0.attn.c_attn', parameterCount: 12288 },
    items: [...items],
    referenceCurves: CURVES,
  };
}

const items = [314, 315, 316, 317, 318, 319].map((step) => anItem({ step }));
const view = (over: Partial<LayerViewInput> = {}) =>
  prepareLayerView({
    reply: aReply(items),
    selectedStep: 317,
    requestedSteps: [],
    axisKind: 'linear',
    mode: 'density',
    correlated: [],
    other: null,
    ...over,
  });

describe('the layer view', () => {
  it('puts the selected step between the reported ones before and after it', () => {
    const { columns } = view();
    expect(columns.map(({ step, place, isMain }) => [step, place, isMain])).toEqual([
      [316, 'before', false],
      [317, 'selected', true],
      [318, 'after', false],
    ]);
    expect(columns[1]?.facts).toBe('loss 0.0107, gradient norm 0.859');
  });

  it('hands each chosen step the report before it, chosen or not', () => {
    const pairs = view({ requestedSteps: [314, 317, 319] }).items;
    expect(pairs.map(({ item, before }) => [item.step, before?.step ?? null])).toEqual([
      [314, null],
      [317, 316],
      [319, 318],
    ]);
  });

  it('shows u before r before the run’s own kinds, those without curves and on their own axis', () => {
    const own = aDistribution('activation', [1, 1, 1, 1, 1, 1, 1, 900]);
    const wide = { ...own, edges: own.edges.map((edge) => 40 * edge) };
    const reply = aReply(
      items.map((item) => ({ ...item, distributions: [wide, ...item.distributions] })),
    );
    const model = view({ reply });
    expect(model.kinds).toEqual(['update', 'ratio', 'activation']);
    const [update, ratio, activation] = model.columns[0]!.panels;
    expect(update?.panel?.domain).toEqual(ratio?.panel?.domain);
    expect(activation?.panel?.domain).toEqual([-50, 50]);
    expect(activation?.panel?.markers).toEqual([]);
    expect(activation?.panel?.healthy).toEqual([]);
    expect(model.axisLimit).toBe(1.3);
    expect(model.ridgelines.map(({ symbol }) => symbol)).toEqual(['u', 'r']);
  });

  it('says where a step did not report a kind', () => {
    const reply = aReply(
      items.map((item) =>
        item.step === 318 ? { ...item, distributions: item.distributions.slice(0, 1) } : item,
      ),
    );
    expect(view({ reply }).columns[2]?.panels.map(({ panel }) => panel === null)).toEqual([
      false,
      true,
    ]);
  });

  it('writes std and, where it is stored, the dip', () => {
    const statistics = { update_std: 0.424, ratio_std: 4e-5, ratio_dip: 0.211, update_dip: 0.004 };
    const reply = aReply(items.map((item) => ({ ...item, statistics })));
    const [update, ratio] = view({ reply }).columns[1]!.panels;
    expect(update).toMatchObject({
      std: '0.424',
      dip: { text: '0.004', p: 'p 1.00', isTwoPeaks: false },
    });
    expect(ratio).toMatchObject({
      std: '4e−5',
      dip: { text: '0.211', p: 'p < 0.001', isTwoPeaks: true },
    });
    expect(view().columns[1]!.panels[0]?.dip).toBeNull();
  });

  it('keeps 26 rows of a ridgeline around the selected step', () => {
    const many = Array.from({ length: 49 }, (_, i) => anItem({ step: 297 + i }));
    const [ridge] = view({ reply: aReply(many) }).ridgelines;
    const steps = ridge!.ridgeline.rows.map(({ step }) => step);
    expect([steps[0], steps.at(-1)]).toEqual([306, 331]);
  });
});

describe('what is laid over a layer', () => {
  const over = (steps: readonly number[]) =>
    aReply(
      steps.map((step) =>
        anItem({ step, statistics: { update_std: 0.1, update_dip: 0.05, ratio_std: 0.2 } }),
      ),
    );

  it('is the newest report at or before each chosen step', () => {
    const { columns } = view({ other: over([315, 317]) });
    expect(columns.map(({ step, otherStep }) => [step, otherStep])).toEqual([
      [316, 315],
      [317, 317],
      [318, 317],
    ]);
    expect(columns[1]?.panels[0]?.other).toMatchObject({
      std: '0.100',
      dip: { text: '0.050', isTwoPeaks: true },
    });
    expect(columns[1]?.panels[0]?.panel?.other.length).toBeGreaterThan(2);
  });

  it('widens the axis for both', () => {
    const wide = aDistribution('update', [1, 1, 1, 1, 1, 1, 1, 900]);
    const reply = aReply([
      anItem({
        step: 310,
        distributions: [{ ...wide, edges: wide.edges.map((edge) => 4 * edge) }],
      }),
    ]);
    expect(view().axisLimit).toBe(1.3);
    expect(view({ other: reply }).axisLimit).toBe(5);
  });

  it('is absent where it was not reported yet, or not chosen', () => {
    const [column] = view({ other: over([400]) }).columns;
    expect(column?.otherStep).toBeNull();
    expect(column?.panels[0]?.other).toBeNull();
    expect(view().columns[0]?.panels[0]?.panel?.other).toEqual([]);
  });
});

describe('a p-value', () => {
  it('is written with the digits that were simulated', () => {
    expect([0, 0.0004, 0.0123, 0.5, 1].map(formatP)).toEqual([
      'p < 0.001',
      'p < 0.001',
      'p 0.012',
      'p 0.50',
      'p 1.00',
    ]);
  });
});
