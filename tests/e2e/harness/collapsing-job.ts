import type { Frame } from './training-job';

/** When the job’s only layer loses its update, after the machine’s start-up. */
export const COLLAPSE = 80;

/** One layer of which everything is known that stages are made of. */
function knownFrame(step: number): Frame {
  const isCollapsed = step >= COLLAPSE;
  const edges = Array.from({ length: 33 }, (_, index) => (index - 16) / 8);
  const width = isCollapsed ? 1.2 : 2.2;
  const counts = [
    Array.from({ length: 32 }, (_, bin) =>
      Math.round(1000 * Math.exp(-(((bin - 15.5) / width) ** 2))),
    ),
  ];
  const histogram = { edges, counts, outside: [[0, 0, 0, 0]] };
  return {
    step,
    loss: 3 + 0.01 * Math.sin(step),
    layers: {
      gradient_norm: [0.02],
      second_moment_below_epsilon_fraction: [isCollapsed ? 0.83 : 0.01],
      update_std: [isCollapsed ? 0.0138 : 0.229],
      ratio_std: [0.229],
      update_dip: [0.001],
      ratio_dip: [0.001],
      gradient_cosine: [0.01],
    },
    histograms: { update: histogram, ratio: histogram },
  };
}

/** Frames of `fromStep…toStep` of a job with one layer. */
export const knownFrames = (fromStep: number, toStep: number): Frame[] =>
  Array.from({ length: toStep - fromStep + 1 }, (_, index) => knownFrame(fromStep + index));
