import { describe, expect, it } from 'vitest';
import { describeMissingLayers } from '@/lib/view/heatmap/missing-layers';

const run = { project: 'the "big" one', layerCount: 6, status: 'running' as const };

describe('what a run without layer metrics lacks', () => {
  it('is nothing once one metric of a layer is stored', () => {
    expect(describeMissingLayers(run, ['gradient_norm'])).toBeNull();
  });

  it('is told with the layers that the run has, and the lines that make them report', () => {
    const missing = describeMissingLayers(run, [])!;
    expect(missing.sentence).toMatch(/^None of the 6 layers has reported a metric: /);
    expect(missing.way).toContain('every layer of this run');
    expect(missing.code.split('\n')).toEqual([
      'import spikescope',
      String.raw`run = spikescope.init(project="the \"big\" one")`,
      'run.watch(model, optimizer)',
    ]);
    expect(missing.fields).toContain('the 6 values of each metric in a frame’s `layers`');
  });

  it('can come with the next run alone where this one has ended, or knows no layers', () => {
    const bare = describeMissingLayers({ ...run, layerCount: 0 }, [])!;
    expect(bare.sentence).toMatch(/^This run was created without layers: /);
    expect(bare.way).toContain('the next run');
    expect(bare.fields).toContain('when they create the run');
    expect(describeMissingLayers({ ...run, status: 'finished' }, [])!.way).toContain(
      'the next run',
    );
  });
});
