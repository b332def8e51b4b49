import type { webgpu_util } from '@tensorflow/tfjs-backend-webgpu';
import { VALUE_CLASS } from './value-class';

type WebgpuUtil = typeof webgpu_util;

/** WGSL has no number without a point that is a float32. */
function literal(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : `${value}`;
}

/**
 * VALUE_CLASS of every value from its bits, as a program for tfjs's WebGPU backend, whose
 * own operations turn integers into float32 before they look at them.
 */
export function createClassProgram(
  shape: readonly [number, number],
  { flatDispatchLayout, computeDispatch }: WebgpuUtil,
) {
  const outputShape = [...shape];
  const workgroupSize: [number, number, number] = [64, 1, 1];
  const dispatchLayout = flatDispatchLayout(outputShape);
  const { zero, negativeZero, positive, negative, wild } = VALUE_CLASS;
  return {
    outputShape,
    shaderKey: 'spikescope_value_class',
    dispatchLayout,
    dispatch: computeDispatch(dispatchLayout, outputShape, workgroupSize),
    variableNames: ['bits'],
    workgroupSize,
    size: true,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let value = bitcast<u32>(bits[index]);
          let magnitude = value & 0x7fffffffu;
          let isNegative = value > 0x7fffffffu;
          var code = select(${literal(positive)}, ${literal(negative)}, isNegative);
          if (magnitude == 0u) {
            code = select(${literal(zero)}, ${literal(negativeZero)}, isNegative);
          } else if (magnitude < 0x00800000u || magnitude >= 0x7f800000u) {
            code = ${literal(wild)};
          }
          setOutputAtIndex(index, code);
        }
      }
    `,
  };
}
