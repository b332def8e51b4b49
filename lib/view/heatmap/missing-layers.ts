import type { Run } from '../../contract/runs';
import { formatStep } from '../text/format-number';

/** What a run without layer metrics lacks, and what brings it. */
export interface MissingLayers {
  readonly sentence: string;
  readonly way: string;
  /** Python, as it goes into the training job. */
  readonly code: string;
  /** For jobs that post frames themselves. */
  readonly fields: string;
}

/** null where some metric of a layer is stored. */
export function describeMissingLayers(
  { project, layerCount, status }: Pick<Run, 'project' | 'layerCount' | 'status'>,
  layerMetrics: readonly string[],
): MissingLayers | null {
  if (layerMetrics.length > 0) return null;
  // The layers of a run are those that it was created with.
  const when = layerCount > 0 && status === 'running' ? 'this run' : 'the next run';
  const frames =
    layerCount === 0
      ? 'Jobs that post by themselves name `layers` when they create the run'
      : `Jobs that post by themselves name the ${layerCount === 1 ? 'one value' : `${formatStep(layerCount)} values`} of each metric in a frame’s \`layers\``;
  return {
    sentence:
      layerCount === 0
        ? 'This run was created without layers: it has timelines, events and notes only.'
        : `${layerCount === 1 ? 'The one layer has not' : `None of the ${formatStep(layerCount)} layers has`} reported a metric: there are timelines, events and notes only.`,
    way: `Three lines in the training job bring every layer of ${when}:`,
    code: [
      'import spikescope',
      `run = spikescope.init(project=${JSON.stringify(project)})`,
      'run.watch(model, optimizer)',
    ].join('\n'),
    fields: `${frames}${layerCount === 0 ? ', and post in each frame `layers`' : ''}: \`gradient_norm\`, \`rms\` and more, or samples as \`sample/gradient\`, \`sample/first_moment\` and \`sample/second_moment\`.`,
  };
}
