import { describe, expect, it } from 'vitest';
import { prepareWorstStage } from '@/lib/view/runs/worst-stage';
import { aRun } from '../../../builders/run-summary';

const stageOf = (over: Parameters<typeof aRun>[0]) => prepareWorstStage(aRun(over));

describe('the worst stage of a run', () => {
  it('is its stage with the layers in it', () => {
    expect(
      stageOf({ worstStage: 'decorrelating', layersByStage: { healthy: 25, decorrelating: 44 } }),
    ).toEqual({ kind: 'stage', stage: 'decorrelating', detail: '44 of 69' });
  });

  it('is healthy without more where all layers are known', () => {
    expect(stageOf({ worstStage: 'healthy', layersByStage: { healthy: 69 } })).toEqual({
      ...{ kind: 'stage', stage: 'healthy', detail: null },
    });
  });

  it('says of how many layers it is known where not of all', () => {
    expect(
      stageOf({ worstStage: 'healthy', layersByStage: { healthy: 9, insufficient_data: 60 } }),
    ).toMatchObject({ detail: 'known of 9 of 69' });
  });

  it('names the one metric that is not reported', () => {
    expect(
      stageOf({
        ...{ worstStage: 'insufficient_data', layersByStage: { insufficient_data: 69 } },
        missingStageInputs: ['second_moment_below_epsilon_fraction'],
      }),
    ).toEqual({
      kind: 'words',
      words: 'needs share √v < ε',
      title:
        'A stage is read from more than this run reports: it lacks second_moment_below_epsilon_fraction. ' +
        'Spikes are found without.',
    });
  });

  it('counts several, settings of the optimizer among them', () => {
    expect(stageOf({ missingStageInputs: ['epsilon'] })).toMatchObject({ words: 'needs ε' });
    expect(stageOf({ missingStageInputs: ['ratio_dip', 'epsilon'] })).toMatchObject({
      words: 'needs 2 inputs',
      title: expect.stringContaining('ratio_dip, epsilon'),
    });
  });

  it('waits while all is reported and no layer can be placed yet', () => {
    expect(
      stageOf({ worstStage: 'insufficient_data', layersByStage: { insufficient_data: 69 } }),
    ).toMatchObject({ kind: 'words', words: 'not yet known' });
  });

  it('asks nothing of a run that has not begun, or has no layers', () => {
    const missingStageInputs = ['gradient_norm'];
    expect(stageOf({ lastStep: null, missingStageInputs })).toMatchObject({ words: '69 layers' });
    expect(stageOf({ layerCount: 0 })).toMatchObject({ words: 'no layers' });
    expect(stageOf({ layerCount: 1 })).toMatchObject({ words: '1 layer' });
  });
});
