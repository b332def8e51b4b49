import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '@/examples/transformer/backend';
import { computeGradients, countParameters, listParameters } from '@/examples/transformer/model';
import { aTinyModel } from './tiny-model';

beforeAll(async () => {
  await startBackend();
});

describe('listParameters', () => {
  it('names the tensors of a decoder-only transformer in model order', () => {
    const specs = listParameters({
      vocabularySize: 75,
      contextLength: 64,
      width: 64,
      depth: 6,
      headCount: 4,
    });

    expect(specs.length).toBe(2 + 6 * 8 + 3);
    expect(specs.slice(0, 5).map(({ name }) => name)).toEqual([
      'wte.weight',
      'wpe.weight',
      'h.0.ln_1.weight',
      'h.0.ln_1.bias',
      'h.0.attn.c_attn.weight',
    ]);
    expect(specs.at(-1)).toEqual({
      name: 'lm_head.weight',
      kind: 'head',
      depth: null,
      shape: [64, 75],
    });
    expect(specs.reduce((sum, spec) => sum + countParameters(spec), 0)).toBe(310_272);
  });
});

describe('computeGradients', () => {
  it('starts at the loss of a guess when nothing has been learned', () => {
    const { shape, specs, values, batch } = aTinyModel();
    const silent = values.map((weights, index) =>
      specs[index]!.name === 'lm_head.weight' ? weights.fill(0) : weights,
    );

    const { loss } = computeGradients(shape, specs, silent, batch);

    expect(loss).toBeCloseTo(Math.log(shape.vocabularySize), 5);
  });

  it('agrees with finite differences in every parameter tensor', () => {
    const { shape, specs, values, batch } = aTinyModel();
    const { gradients } = computeGradients(shape, specs, values, batch);

    specs.forEach(({ name }, index) => {
      const gradient = gradients[index]!;
      const norm = Math.hypot(...gradient);
      expect(norm, name).toBeGreaterThan(1e-4);
      // Along the gradient itself the slope of the loss is the gradient's norm. The step is
      // large enough that float32's rounding of the loss (1e-7) stays below a percent.
      const step = 2e-3 / norm;
      const lossAt = (sign: number) => {
        const moved = values.map((weights, other) =>
          other === index
            ? weights.map((weight, i) => weight + (sign * step * gradient[i]!) / norm)
            : weights,
        );
        return computeGradients(shape, specs, moved, batch).loss;
      };
      const slope = (lossAt(1) - lossAt(-1)) / (2 * step);
      expect(Math.abs(slope / norm - 1), `${name}: ${slope} against ${norm}`).toBeLessThan(0.02);
    });
  });

  it('agrees with finite differences in single coordinates, off the gradient’s direction too', () => {
    const { shape, specs, values, batch } = aTinyModel();
    const { gradients } = computeGradients(shape, specs, values, batch);
    const lossWith = (index: number, coordinate: number, shift: number) => {
      const moved = values.map((weights) => weights.slice());
      moved[index]![coordinate]! += shift;
      return computeGradients(shape, specs, moved, batch).loss;
    };

    specs.forEach(({ name }, index) => {
      const coordinate = Math.floor(values[index]!.length / 3);
      const slope = (lossWith(index, coordinate, 3e-3) - lossWith(index, coordinate, -3e-3)) / 6e-3;
      // Rounding of two losses near 3 over a distance of 6e-3: about 1e-4.
      expect(Math.abs(slope - gradients[index]![coordinate]!), name).toBeLessThan(5e-4);
    });
  });

  it('looks only backwards: a later character does not change what is said of an earlier one', () => {
    const { shape, specs, values, batch } = aTinyModel();
    const lossOf = (inputs: Int32Array, targets: Int32Array) =>
      computeGradients(shape, specs, values, { inputs, targets }).loss;
    const changed = (tokens: Int32Array, position: number) =>
      tokens.map((token, i) => (i === position ? (token + 1) % shape.vocabularySize : token));
    // What another first target costs depends on the first prediction alone.
    const costOfFirst = (inputs: Int32Array) =>
      lossOf(inputs, changed(batch.targets, 0)) - lossOf(inputs, batch.targets);
    const later = changed(batch.inputs, 5);

    expect(lossOf(later, batch.targets)).not.toBe(lossOf(batch.inputs, batch.targets));
    expect(costOfFirst(later)).toBeCloseTo(costOfFirst(batch.inputs), 5);
    expect(costOfFirst(changed(batch.inputs, 0))).not.toBeCloseTo(costOfFirst(batch.inputs), 3);
  });

  it('leaves no tensor behind', () => {
    const { shape, specs, values, batch } = aTinyModel();
    computeGradients(shape, specs, values, batch);
    const before = tf.memory().numTensors;

    computeGradients(shape, specs, values, batch);

    expect(tf.memory().numTensors).toBe(before);
  });
});
