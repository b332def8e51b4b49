import { describe, expect, it } from 'vitest';
import type { Bucket } from '@/lib/contract/reads';
import {
  ALIGNED_GUTTER,
  formatRelative,
  prepareAligned,
  type AlignedCourse,
} from '@/lib/view/comparison/aligned-comparison';
import {
  compareMovers,
  compareStages,
  spikeAt,
  type NamedSide,
} from '@/lib/view/comparison/compared-findings';
import { comparePath, readSide, writeSide } from '@/lib/view/comparison/compared-sides';
import { describeComparison } from '@/lib/view/comparison/comparison-words';
import { aSpike } from '@/tests/builders/spike';

const point = (step: number, value: number | null, over: Partial<Bucket> = {}): Bucket => ({
  ...{ fromStep: step, toStep: step, min: value, max: value, mean: value },
  nonFiniteCount: 0,
  ...over,
});

const courses = [
  {
    side: 'left' as const,
    step: 318,
    points: [316, 317, 318, 319].map((step) => point(step, step - 315)),
  },
  { side: 'right' as const, step: 552, points: [551, 552].map((step) => point(step, 3)) },
];
const window = { before: 2, after: 2 };
const WIDTH = ALIGNED_GUTTER + 500;

describe('two courses on one axis', () => {
  it('stand where their own step 0 is, on one scale', () => {
    const chart = prepareAligned(
      [{ key: 'loss', label: 'Loss', height: 100, courses }],
      window,
      WIDTH,
      [],
    );
    expect(chart.zero).toBe(ALIGNED_GUTTER + 250);
    const [lane] = chart.lanes;
    // Five steps of 100 px; values 1 to 4 between 98 px and 2 px of the lane.
    const bottom = lane!.bottom - 2;
    expect(lane!.lines.find(({ side }) => side === 'left')!.path).toMatch(
      new RegExp(`^M${(ALIGNED_GUTTER + 50).toFixed(1)} ${bottom.toFixed(1)}h`),
    );
    expect(lane!.lines.find(({ side }) => side === 'right')!.path).toMatch(
      new RegExp(`^M${(ALIGNED_GUTTER + 150).toFixed(1)} ${(bottom - 64).toFixed(1)}h`),
    );
    expect(chart.stepTicks.map(({ tick }) => tick.text)).toEqual(['−2', '−1', '0', '+1', '+2']);
  });

  it('say of a lane without a line whether it is read, cannot be read or holds nothing', () => {
    const reasonOf = (...all: AlignedCourse['points'][]) =>
      prepareAligned(
        [
          {
            ...{ key: 'layer', label: 'h.0', height: 100 },
            courses: all.map((points) => ({ side: 'left', step: 318, points })),
          },
        ],
        window,
        WIDTH,
        [],
      ).lanes[0]!.emptyReason;
    expect(reasonOf('reading', [])).toBe('Reading…');
    expect(reasonOf('failed', 'reading')).toBe('Reading…');
    expect(reasonOf('failed', [])).toBe('could not be read');
    expect(reasonOf([], [])).toBe('not reported over these steps');
    expect(reasonOf('reading', [point(318, 1)])).toBeNull();
  });

  it('leave out what is not in the window, break at gaps and mark what is not finite', () => {
    const points = [
      ...[point(300, 9), point(317, 1), point(318, null, { nonFiniteCount: 1 }), point(319, 2)],
    ];
    const chart = prepareAligned(
      [{ key: 'loss', label: 'Loss', height: 100, courses: [{ side: 'left', step: 318, points }] }],
      window,
      WIDTH,
      [
        { side: 'left', at: -1, title: 'movers' },
        { side: 'right', at: -3, title: 'outside' },
      ],
    );
    const [line] = chart.lanes[0]!.lines;
    expect(line!.path.match(/M/g)).toHaveLength(2);
    expect(line!.nonFinite).toEqual([chart.zero]);
    expect(chart.marks.map(({ title }) => title)).toEqual(['movers']);
  });

  it('say so where nothing was reported', () => {
    const chart = prepareAligned(
      [{ key: 'loss', label: 'Loss', height: 100, courses: [] }],
      window,
      WIDTH,
      [],
    );
    expect(chart.lanes[0]).toMatchObject({
      lines: [],
      emptyReason: 'not reported over these steps',
    });
  });

  it('draw a bucket by both of its extremes', () => {
    const points = [point(317, 1), point(318, 2, { min: 1, max: 3 })];
    const chart = prepareAligned(
      [{ key: 'loss', label: 'Loss', height: 100, courses: [{ side: 'left', step: 318, points }] }],
      window,
      WIDTH,
      [],
    );
    expect(chart.lanes[0]!.lines[0]!.path.match(/L/g)).toHaveLength(2);
  });

  it('count steps from 0', () => {
    expect([-3, 0, 1200].map(formatRelative)).toEqual(['−3', '0', '+1\u202f200']);
  });
});

describe('a side in a URL', () => {
  const side = { runId: 'B.1-x_y', attempt: 2, step: 318 };

  it('is read as it was written', () => {
    expect(readSide(writeSide(side))).toEqual(side);
    expect(comparePath(side, { ...side, step: 0 })).toBe(
      '/compare?left=B.1-x_y%7E2%7E318&right=B.1-x_y%7E2%7E0',
    );
  });

  it.each([null, '', 'B', 'B~1', '~1~2', 'B~x~2', 'B~1~-2', 'B~1~2~3'])('is none in %s', (text) => {
    expect(readSide(text)).toBeNull();
  });
});

const named = (over: Partial<NamedSide> = {}): NamedSide => ({
  layerNames: ['wte', 'h.0', 'tiny'],
  parameterCounts: [5000, 5000, 10],
  spike: aSpike({
    firstMovers: [
      { layer: 2, metric: 'rms', step: 550, leadSteps: 2, z: 40 },
      { layer: 0, metric: 'rms', step: 550, leadSteps: 2, z: 9 },
      { layer: 0, metric: 'gradient_norm', step: 551, leadSteps: 1, z: 9 },
    ],
  }),
  stages: [
    { layer: 0, attempt: 1, stage: 'healthy', label: null, fromStep: 0, toStep: 551 },
    { layer: 0, attempt: 1, stage: 'trigger', label: null, fromStep: 552, toStep: null },
    { layer: 1, attempt: 1, stage: 'healthy', label: null, fromStep: 0, toStep: null },
  ],
  step: 552,
  ...over,
});

describe('findings side by side', () => {
  it('pair layers by name: those that moved in both first, large ones before small ones', () => {
    const other = named({
      layerNames: ['h.0', 'wte', 'tiny'],
      spike: aSpike({
        firstMovers: [
          { layer: 1, metric: 'rms', step: 551, leadSteps: 1, z: 9 },
          { layer: 0, metric: 'rms', step: 540, leadSteps: 9, z: 9 },
        ],
      }),
    });
    expect(compareMovers(named(), other)).toEqual([
      { name: 'wte', left: 2, right: 1 },
      { name: 'h.0', left: null, right: 9 },
      { name: 'tiny', left: 2, right: null },
    ]);
    expect(compareMovers(named(), named()).map(({ name }) => name)).toEqual(['wte', 'tiny']);
    expect(compareMovers(named({ spike: null }), named({ spike: null }))).toEqual([]);
  });

  it('list the layers whose stage differs at 0, the more severe first', () => {
    const earlier = named({ step: 551 });
    expect(compareStages(named(), earlier)).toEqual({
      different: [{ name: 'wte', left: 'trigger', right: 'healthy' }],
      ...{ sameCount: 1, aloneCount: 0, isKnown: true },
    });
    expect(compareStages(named(), named({ layerNames: ['wte', 'other', 'tiny'] }))).toMatchObject({
      ...{ different: [], sameCount: 1, aloneCount: 2 },
    });
    expect(compareStages(named({ stages: [] }), named({ stages: [] })).isKnown).toBe(false);
    // What could be told on neither side is not the same.
    const untold = named({
      stages: named().stages.map((interval) => ({ ...interval, stage: 'insufficient_data' })),
    });
    expect(compareStages(untold, untold)).toMatchObject({ sameCount: 0, isKnown: false });
  });

  it('find the spike of an attempt at its onset by the second look', () => {
    const told = aSpike({
      onsetStep: 554,
      reevaluation: {
        ...{ standsOut: true, onsetStep: 552, riseStep: 551, peakStep: 553, peakValue: 2 },
        ...{ baseline: 0.1, recovery: 'fast', excessArea: 1, levelShift: null },
        ...{ samplesBefore: 128, samplesAfter: 128 },
      },
    });
    expect(spikeAt([told], 1, 552)?.onsetStep).toBe(552);
    expect(spikeAt([told], 1, 554)).toBeNull();
    expect(spikeAt([told], 2, 552)).toBeNull();
  });

  it('are said first by what tells the sides apart', () => {
    const course = (runId: string, attempt: number, over: Partial<NamedSide> = {}) => ({
      ...named(over),
      side: { runId, attempt },
      run: { name: `run ${runId}` },
      loss: [point(500, 9), point(552, 4), point(553, attempt)],
    });
    const words = (left: Parameters<typeof describeComparison>[0], right: typeof left) =>
      describeComparison(left, right).sentence;
    expect(words(course('a', 1), course('b', 1))).toBe('Loss up to 4.00 in run a, 4.00 in run b.');
    expect(words(course('a', 1), course('a', 8))).toBe(
      'Loss up to 4.00 in attempt 1, 8.00 in attempt 8 (×2.00).',
    );
    expect(words(course('a', 1), course('a', 1, { step: 553 }))).toBe(
      'Loss up to 4.00 in the one at 552, 1.00 in the one at 553 (×4.00).',
    );
    expect(describeComparison(course('a', 1), course('b', 1, { spike: null })).detail).toMatch(
      /^No spike begins at 552 of run b; 2 layers stand in the same stages at 0.*\.$/,
    );
  });
});
