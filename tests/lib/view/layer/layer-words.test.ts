import { describe, expect, it } from 'vitest';
import { prepareLayerVerdict, prepareStepWords } from '@/lib/view/layer/layer-words';
import { prepareNumberRows } from '@/lib/view/layer/number-rows';
import { toLayerOptimizer } from '@/lib/view/layer/peak-words';
import { CURVES, aDistribution, anItem } from '../../../builders/distribution-item';

/** Two peaks in the bins around ±0.44. */
const SPLIT = [3, 2, 3, 600, 20];
const before = anItem({
  step: 316,
  statistics: { gradient_norm: 0.00209, update_small_fraction: 0.34 },
});
const burst = anItem({
  distributions: [aDistribution('update', SPLIT), aDistribution('ratio', SPLIT)],
  statistics: { update_std: 0.424, ratio_std: 0.463, gradient_norm: 0.859, rms: 4.43 },
});
const ADAM = toLayerOptimizer({ name: 'adamw', beta1: 0.9, beta2: 0.95 });
const settingOf = (mean: number | null, optimizer = ADAM) => ({
  optimizer,
  cosine: { mean, reports: 10, fromStep: 308, toStep: 317 },
});
const words = (
  item = anItem(),
  previous: typeof before | null = null,
  setting = settingOf(-0.86),
) => prepareStepWords(item, previous, CURVES, setting).sentences.join(' ');

describe('the verdict on a layer', () => {
  it('opens with the jump and where u is highest', () => {
    const { sentence, detail } = prepareLayerVerdict(burst, before, CURVES);
    expect(sentence).toMatch(
      /^the gradient norm is 411 times that of step 316, and u is highest at −0\.4\d and 0\.4\d\.$/,
    );
    expect(detail).toMatch(/^±0\.45 is where one gradient .* no proof/);
  });

  it('says that a healthy layer is as wide as healthy and nothing more', () => {
    const { sentence, detail } = prepareLayerVerdict(anItem(), null, CURVES);
    expect(sentence).toBe('u is as wide as healthy (std 0.229 against 0.229).');
    expect(detail).toBe('r is as wide as healthy (std 0.229 against 0.229).');
  });

  it('claims no burst where the run’s betas are unknown', () => {
    const { detail } = prepareLayerVerdict(burst, before, {
      healthyStd: null,
      ratioBound: null,
      markers: [],
    });
    expect(detail).toBe('r has std 0.463.');
  });

  it('says so when no number was posted', () => {
    const bare = anItem({ statistics: {}, distributions: [aDistribution('update', [9, 5, 1])] });
    expect(prepareLayerVerdict(bare, null, CURVES).sentence).toMatch(/^no statistics/);
    expect(prepareLayerVerdict(bare, null, CURVES, true).sentence).toMatch(/are gone\.$/);
  });
});

describe('the words on a step', () => {
  it('put a width in proportion to the healthy one', () => {
    expect(words(burst)).toContain('u is 1.85 times as wide as healthy (std 0.424 against 0.229).');
  });

  it('say where the density is highest and what lies between', () => {
    expect(words(burst)).toMatch(
      /u is highest at −0\.4\d and 0\.4\d, with next to nothing between them\./,
    );
    const shallow = anItem({ distributions: [aDistribution('ratio', [200, 150, 200, 600, 20])] });
    expect(words(shallow)).toMatch(
      /r is highest at −0\.4\d and 0\.4\d, between them it falls to \d\d\u202f%\./,
    );
  });

  it('hold ε responsible for a narrow u only where r is not narrow', () => {
    const narrow = (ratio_std: number) =>
      words(anItem({ statistics: { update_std: 0.05, ratio_std } }));
    expect(narrow(0.22)).toContain('r is not narrow (0.959 times healthy): ε holds u.');
    expect(narrow(0.1)).toContain('r is narrow too (0.436 times healthy), and ε does not enter r.');
    expect(words()).not.toContain('ε');
  });

  it('say what share is exactly 0 or not finite', () => {
    const zeros = anItem({ distributions: [aDistribution('update', [400], { zeros: 800 })] });
    expect(words(zeros)).toContain('50\u202f% of u is exactly 0.');
    const both = anItem({
      distributions: [
        aDistribution('update', [400], { zeros: 800 }),
        aDistribution('ratio', [400], { zeros: 800 }),
      ],
    });
    expect(words(both)).toContain('50\u202f% of u and of r is exactly 0.');
    const broken = anItem({ distributions: [aDistribution('ratio', [400], { nonFinite: 200 })] });
    expect(words(broken)).toContain('20\u202f% of r is not finite.');
  });

  it('name a jump up or down by a factor of ten, and no smaller one', () => {
    expect(words(burst, before)).toContain('The gradient norm is 411 times that of step 316.');
    const fallen = anItem({ statistics: { gradient_norm: 0.0001 } });
    expect(words(fallen, before)).toContain('The gradient norm fell to 5\u202f% of step 316’s.');
    const calm = anItem({ statistics: { gradient_norm: 0.004 } });
    expect(words(calm, before)).not.toContain('gradient norm');
  });

  it('mention the dip only where one is stored', () => {
    expect(words(burst)).not.toContain('dip');
    expect(words(anItem({ statistics: { ratio_dip: 0.211 } }))).toContain(
      'Dip of r 0.211 counts as two peaks.',
    );
    expect(words(anItem({ statistics: { ratio_dip: 0.004 } }))).toContain(
      'Dip of r 0.004: one peak.',
    );
  });

  it('say first that r is larger than the betas allow', () => {
    const corrupt = (share: number) =>
      anItem({ statistics: { ratio_beyond_bound_fraction: share, update_std: 0.229 } });
    const prefix =
      /^\|r\| is beyond its bound 1\.165 in 3\u202f% of coordinates: the posted moments are not Adam’s with these betas\./;
    expect(words(corrupt(0.03))).toMatch(prefix);
    expect(words(corrupt(1 / 4096))).toContain('in less than 0.1\u202f% of coordinates');
    expect(words(corrupt(0))).not.toContain('bound');
    expect(prepareLayerVerdict(corrupt(0.03), null, CURVES).detail).toMatch(prefix);
  });

  it('name an RMS above 2.3 and a gradient that turned round', () => {
    expect(words(burst)).toContain('RMS 4.43 is above 2.3, ');
    const turned = anItem({ statistics: { gradient_cosine: -0.587 } });
    expect(words(turned)).toContain(
      'The gradient points against that of the step before (cosine −0.59).',
    );
  });
});

describe('the words on two peaks of r', () => {
  it('tell whether a correlation explains them', () => {
    expect(words(burst)).toMatch(
      /Correlated gradients do not explain the two peaks: .*−0\.86 \(10 reports, steps 308–317\)/,
    );
    expect(words(burst, null, settingOf(0.2))).toContain('Correlated gradients explain');
    expect(words(burst, null, settingOf(null))).toContain('is not known: no finite lag-1 cosine');
  });

  it('say nothing where the dip counts one peak, or r has one', () => {
    const shallow = { ...burst, statistics: { ...burst.statistics, ratio_dip: 0.01 } };
    expect(words(shallow)).not.toContain('orrelated gradients');
    expect(words()).not.toContain('orrelated gradients');
  });
});

describe('the words on RMS', () => {
  const of = (rms: number, beta2?: number) =>
    words(
      anItem({ statistics: { rms } }),
      null,
      settingOf(null, toLayerOptimizer({ name: 'adam', beta1: 0.9, ...(beta2 && { beta2 }) })),
    );

  it('set a spike beside the growth behind it and the most that β2 allows', () => {
    expect(of(4.1, 0.95)).toContain(
      'RMS 4.10 is above 2.3, as when all gradients grow 10.0 times; β2 0.95 caps it at 4.47.',
    );
    expect(of(4.47, 0.95)).toContain('RMS 4.47 is above 2.3 and at its cap: β2 0.95 caps it at');
    expect(of(4.1)).toContain('RMS 4.10 is above 2.3.');
  });

  it('take one above the cap for the RMS of another β2', () => {
    expect(of(9, 0.95)).toMatch(
      /RMS 9\.00 is above 2\.3 and above its cap: .* not that of this β2/,
    );
  });

  it('say nothing of a healthy one', () => {
    expect(of(1, 0.95)).not.toContain('RMS');
  });
});

describe('the numbers of a step', () => {
  it('say how high RMS can be, and that 2.3 is out of reach of a small β2', () => {
    const rowsOf = (beta2: number | null) =>
      prepareNumberRows(burst, null, null, beta2)
        .filter(({ name }) => name.startsWith('rms'))
        .map(({ value, remark }) => `${value} ${remark}`);
    expect(rowsOf(0.95)).toEqual(['4.43 ≥ 2.3 is a spike', '4.47 1/√(1−β2), β2 0.95']);
    expect(rowsOf(0.8)).toEqual(['4.43 2.3 is out of reach', '2.24 1/√(1−β2), β2 0.8']);
    expect(rowsOf(null)).toEqual(['4.43 ≥ 2.3 is a spike']);
  });

  it('have a row for what is stored and none for what is not', () => {
    const rows = prepareNumberRows(burst, before, CURVES.healthyStd, 0.95);
    expect(rows.map(({ name }) => name)).toEqual([
      'update_std',
      'ratio_std',
      'rms',
      'rms_cap',
      'gradient_norm',
    ]);
    expect(rows[0]).toMatchObject({ value: '0.424', remark: '0.229 healthy' });
    expect(rows[4]).toMatchObject({ value: '0.859', remark: 'was 0.00209 at 316' });
    const late = anItem({ ...before, step: 12_316 });
    expect(prepareNumberRows(burst, late, null, null).at(-1)?.remark).toMatch(
      /^was 0\.00209 at 12\s316$/,
    );
  });

  it('compare with nothing where nothing came before', () => {
    expect(prepareNumberRows(burst, null, null, null).map(({ remark }) => remark)).toEqual([
      '',
      '',
      '≥ 2.3 is a spike',
      '',
    ]);
  });
});
