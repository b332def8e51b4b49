import { PRECONDITIONED_SHARPNESS, STABILITY_RATIO } from '../../lib/contract/warnings';
import { computeKappa } from '../../lib/detect/curvature';
import type { ValidFrames } from './validate-frames';

/**
 * Adds `stability_ratio` to the frames that report `preconditioned_sharpness` and the
 * learning rate it was measured at. What a job posts itself is never replaced.
 */
export function deriveScalars(valid: ValidFrames): ValidFrames {
  const { beta1 } = valid.attempt.optimizer;
  if (beta1 === undefined) return valid;
  const hasSharpness = valid.frames.some(({ scalars }) => scalars.has(PRECONDITIONED_SHARPNESS));
  if (!hasSharpness) return valid;
  const frames = valid.frames.map((frame) => {
    const sharpness = frame.scalars.get(PRECONDITIONED_SHARPNESS);
    const learningRate = frame.scalars.get('learning_rate');
    if (sharpness === undefined || learningRate === undefined) return frame;
    if (frame.scalars.has(STABILITY_RATIO)) return frame;
    const kappa = computeKappa(sharpness, learningRate, beta1);
    if (Number.isNaN(kappa)) return frame;
    return { ...frame, scalars: new Map([...frame.scalars, [STABILITY_RATIO, kappa]]) };
  });
  return { ...valid, frames };
}
