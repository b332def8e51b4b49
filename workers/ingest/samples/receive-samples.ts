/**
 * Samples that come after their steps:
 *
 *   POST …/samples ▶ fits the run? ▶ known already? ▶ its step stored?
 *       ▶ around a spike: stored before the reply
 *       ▶ among the newest steps: held, and kept where a spike is found near it
 *
 * What the step reports stands; nothing is computed from these.
 */
import { AppError } from '../../../lib/contract/app-error';
import type { Frame, FrameRequest, RejectedStep } from '../../../lib/contract/frame';
import { LATE_SAMPLE_STEPS, type SamplesReply } from '../../../lib/contract/posted-samples';
import { type LateStep, findLateSteps } from '../../../lib/store/sample-frames';
import { validateFrames } from '../validate-frames';
import type { RouteDependencies } from '../write-request';
import { KEPT_KINDS, STEPS_AROUND, type SampledPost } from './sample-keeper';

type Outcome = 'accepted' | 'duplicate' | RejectedStep;

/** Throws AppError with the codes of `validateFrames`, `run_not_found`. */
export async function receiveSamples(
  deps: Pick<RouteDependencies, 'access' | 'runs' | 'samples'>,
  runId: string,
  request: FrameRequest,
): Promise<SamplesReply> {
  const run = await deps.runs.find(runId);
  const { attempt, layerOffset, frames, rejected } = validateFrames(request, run);
  const place = { runKey: run.runKey, attempt: attempt.attempt, layerOffset };
  const known = await findLateSteps(deps.access.db, {
    ...place,
    steps: frames.map(({ step }) => step),
    spikeKinds: [...KEPT_KINDS],
    stepsAround: STEPS_AROUND,
  });
  const outcomes: Outcome[] = [];
  for (const [index, frame] of frames.entries()) {
    const standing = known.steps[index];
    if (standing === undefined) throw new Error(`step ${frame.step} was asked for and not told of`);
    outcomes.push(await take(deps, { ...place, frame }, standing, known.newestStep ?? -1));
  }
  return {
    accepted: outcomes.filter((outcome) => outcome === 'accepted').length,
    duplicates: outcomes.filter((outcome) => outcome === 'duplicate').length,
    rejected: [
      ...rejected,
      ...outcomes.filter((outcome) => outcome !== 'accepted' && outcome !== 'duplicate'),
    ].sort((a, b) => a.step - b.step),
  };
}

async function take(
  { samples }: Pick<RouteDependencies, 'samples'>,
  post: SampledPost,
  { isStored, hasSamples, isNearSpike }: LateStep,
  newestStep: number,
): Promise<Outcome> {
  const { step } = post.frame;
  const key = { ...post, step };
  if (hasSamples || samples.holds(key)) return 'duplicate';
  if (!isStored) {
    return reject(
      post.frame,
      'step_not_stored',
      `step ${step} of attempt ${post.attempt} is not stored; post its frame first`,
    );
  }
  if (isNearSpike || samples.awaits(key)) {
    if (await samples.saveNow(post)) return 'accepted';
    throw new AppError('run_not_found', 'the run was deleted meanwhile');
  }
  if (step > newestStep - LATE_SAMPLE_STEPS) {
    samples.offerLate(post);
    return 'accepted';
  }
  return reject(
    post.frame,
    'outside_spikes',
    `step ${step} of attempt ${post.attempt} is not within ${STEPS_AROUND} steps of a spike's onset, ` +
      `and not among the newest ${LATE_SAMPLE_STEPS} steps (the newest is ${newestStep})`,
  );
}

function reject({ step }: Frame, code: string, message: string): RejectedStep {
  return { step, code, message };
}
