import type { Locator, Page } from 'playwright-core';
import { postJson, quietFrames, startJob, type Frame, type TrainingJob } from './training-job';

export const ALERT_LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];
/** Well above the loss of settled training. */
const LIMIT = 6;

export const highFrames = (fromStep: number, count: number): Frame[] =>
  quietFrames(fromStep, count, ALERT_LAYERS.length).map((frame) => ({ ...frame, loss: 2 * LIMIT }));

/** A run at rest, in a project of its own. */
export async function startQuietRun(url: string, name: string): Promise<TrainingJob> {
  const job = await startJob({ url, runId: name, project: name, layers: ALERT_LAYERS });
  await job.post(quietFrames(0, 40, ALERT_LAYERS.length));
  return job;
}

/** Where a project's rules and channels are. */
export const projectApi = (url: string, project: string, path: string): string =>
  `${url}/api/v1/projects/${encodeURIComponent(project)}/${path}`;

/** A rule on the loss, made as a job's owner would by the API. */
export const makeLossRule = (url: string, project: string, more: object = {}): Promise<unknown> =>
  postJson(projectApi(url, project, 'alert-rules'), {
    name: 'Loss too high',
    condition: { kind: 'threshold', metric: 'loss', limit: LIMIT, closeAfter: 5 },
    severity: 'page',
    ...more,
  });

export const rowOf = (page: Page, name: string | RegExp): Locator =>
  page.getByRole('row', { name });
