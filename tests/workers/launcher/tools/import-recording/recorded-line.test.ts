import { describe, expect, it } from 'vitest';
import {
  describeLayer,
  layersOfLine,
  mapRecordedLine,
} from '@/workers/launcher/tools/import-recording/recorded-line';

const layerIndex = new Map([
  ['wte', 0],
  ['head', 1],
]);

describe('mapRecordedLine', () => {
  it('maps scalars, layers and histograms by name', () => {
    const { attempt, wallTime, frame, remarks } = mapRecordedLine(
      {
        run: 'a',
        attempt: 2,
        step: 7,
        wall_time: 1000.5,
        loss: 'NaN',
        lr: 0.003,
        layers: [
          { name: 'head', n: 4, rms_t: 2.3, cos_lag1: null },
          { name: 'wte', n: 8, rms_t: 1, cos_lag1: null },
        ],
      },
      layerIndex,
    );

    expect({ attempt, wallTime, remarks }).toEqual({ attempt: 2, wallTime: 1000.5, remarks: [] });
    expect(frame).toEqual({
      step: 7,
      scalars: { loss: NaN, learning_rate: 0.003 },
      layers: { rms: [1, 2.3] },
    });
  });

  it('leaves a layer that the line does not name unreported', () => {
    const { frame } = mapRecordedLine(
      { step: 1, layers: [{ name: 'head', grad_norm: 3 }] },
      layerIndex,
    );

    expect(frame.layers).toEqual({ gradient_norm: [null, 3] });
  });

  it('remarks on custom fields and on fields that hold no number', () => {
    const { frame, remarks } = mapRecordedLine(
      { step: 1, loss_scale: 512, host: 'a1', layers: [{ name: 'wte', trust: 2, note: 'x' }] },
      layerIndex,
    );

    expect(frame.scalars).toEqual({ loss_scale: 512 });
    expect(frame.layers).toEqual({ trust: [2, null] });
    expect(remarks).toEqual([
      'field loss_scale becomes a custom scalar',
      'field host holds no number and is left out',
      'layer field trust becomes a custom metric',
      'layer field note holds no number and is left out',
    ]);
  });

  it('says what keeps a line from being a step', () => {
    expect(() => mapRecordedLine(7, layerIndex)).toThrow('expected a JSON object');
    expect(() => mapRecordedLine({ loss: 1 }, layerIndex)).toThrow('step: expected a number');
    expect(() => mapRecordedLine({ step: 1, layers: [{ name: 'tail' }] }, layerIndex)).toThrow(
      'layers: the run has no "tail"',
    );
  });
});

describe('layersOfLine', () => {
  it('takes names and sizes from the line', () => {
    expect(layersOfLine({ layers: [{ name: 'h.3.attn.c_attn.weight', n: 12 }] })).toEqual([
      { name: 'h.3.attn.c_attn.weight', kind: 'attention', depth: 3, parameterCount: 12 },
    ]);
    expect(layersOfLine({ step: 1 })).toEqual([]);
  });
});

describe('describeLayer', () => {
  it.each([
    ['transformer.wte.weight', 'embedding', undefined],
    ['transformer.h.0.ln_1.bias', 'norm', 0],
    ['transformer.h.11.attn.c_proj.weight', 'attention', 11],
    ['transformer.h.2.mlp.c_fc.weight', 'mlp', 2],
    ['transformer.ln_f.weight', 'norm', undefined],
    ['lm_head.weight', 'head', undefined],
    ['model.layers.4.post_attention_layernorm.weight', 'norm', 4],
    ['w', undefined, undefined],
  ])('reads kind and depth from %s', (name, kind, depth) => {
    expect(describeLayer(name)).toEqual({
      name,
      ...(kind === undefined ? {} : { kind }),
      ...(depth === undefined ? {} : { depth }),
    });
  });
});
