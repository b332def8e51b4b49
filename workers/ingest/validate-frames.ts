import { AppError } from '../../lib/contract/app-error';
import type { Frame, FrameRequest, RejectedStep } from '../../lib/contract/frame';
import type { RunAttempt, RunContext } from '../../lib/store/runs/run-context';

/** Frames that fit the run they were posted to. */
export interface ValidFrames {
  readonly run: RunContext;
  readonly attempt: RunAttempt;
  readonly layerOffset: number;
  readonly frames: readonly Frame[];
  readonly rejected: readonly RejectedStep[];
}

/**
 * Holds a decoded request against its run: is it open, does the attempt exist, do the
 * layers fit, do the steps lie at or after the attempt's resume point.
 *
 * A frame that does not fit is rejected for itself; where no frame fits and the layers
 * are why, that is the request's error.
 *
 * Throws  AppError `run_finished`, `attempt_not_found`, `layer_count_mismatch`,
 *         `layer_offset_out_of_range`
 */
export function validateFrames(request: FrameRequest, run: RunContext): ValidFrames {
  if (run.status !== 'running') {
    throw new AppError(
      'run_finished',
      `run ${run.id} is ${run.status}; resume it to post more steps`,
    );
  }
  const attempt = findAttempt(run, request.attempt);
  const layerOffset = request.layerOffset ?? 0;
  const frames: Frame[] = [];
  const rejected: RejectedStep[] = [...request.rejected];
  const layerFaults: AppError[] = [];
  for (const frame of request.frames) {
    const fault = findLayerFault(frame, request.layerOffset, run.layerCount);
    if (fault !== null) {
      layerFaults.push(fault);
      rejected.push({ step: frame.step, code: fault.code, message: fault.message });
    } else if (frame.step < attempt.resumeFromStep) {
      rejected.push({
        step: frame.step,
        code: 'step_before_resume',
        message: `attempt ${attempt.attempt} starts at step ${attempt.resumeFromStep}; expected no step before it`,
      });
    } else frames.push(frame);
  }
  const [firstFault] = layerFaults;
  if (frames.length === 0 && firstFault !== undefined) throw firstFault;
  return { run, attempt, layerOffset, frames, rejected };
}

function findAttempt(run: RunContext, number: number | null): RunAttempt {
  const wanted = number ?? run.newestAttempt;
  const attempt = run.attempts.find((candidate) => candidate.attempt === wanted);
  if (attempt !== undefined) return attempt;
  throw new AppError(
    'attempt_not_found',
    `run ${run.id} has no attempt ${wanted}; its newest is ${run.newestAttempt}`,
  );
}

/** A frame without any per-layer data (a loss alone) fits every run. */
function findLayerFault(
  frame: Frame,
  layerOffset: number | null,
  layerCount: number,
): AppError | null {
  const hasLayers =
    frame.layerMetrics.size > 0 || frame.histograms.size > 0 || frame.samples !== null;
  if (layerOffset === null) {
    if (!hasLayers || frame.layerCount === layerCount) return null;
    return new AppError(
      'layer_count_mismatch',
      `step ${frame.step} holds ${frame.layerCount} layers, the run has ${layerCount}; a shard says its layer_offset`,
      { details: [{ path: 'layers', message: `expected ${layerCount} layers` }] },
    );
  }
  if (layerOffset + (hasLayers ? frame.layerCount : 0) <= layerCount) return null;
  return new AppError(
    'layer_offset_out_of_range',
    `step ${frame.step}: layer_offset ${layerOffset} and ${frame.layerCount} layers reach beyond the run's ${layerCount}`,
    {
      details: [
        { path: 'layer_offset', message: `expected layer_offset + layers ≤ ${layerCount}` },
      ],
    },
  );
}
