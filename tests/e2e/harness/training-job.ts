/** A training job as the contract sees it: creates its run and posts frames as JSON. */
export interface Frame {
  readonly step: number;
  readonly loss?: number;
  readonly layers?: Readonly<Record<string, readonly (number | string)[]>>;
  readonly histograms?: unknown;
}

export interface TrainingJob {
  readonly runId: string;
  post(frames: readonly Frame[]): Promise<unknown>;
}

export interface JobOptions {
  readonly url: string;
  readonly runId: string;
  readonly project?: string;
  readonly layers: readonly string[];
  readonly token?: string;
}

/** Sends JSON and returns the answer; anything but 2xx is an error with the answer in it. */
export async function postJson(url: string, body: unknown, token?: string): Promise<unknown> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`POST ${url} answered ${reply.status}: ${text}`);
  return JSON.parse(text);
}

export async function startJob(options: JobOptions): Promise<TrainingJob> {
  const { url, runId, token } = options;
  await postJson(
    `${url}/api/v1/runs`,
    {
      project: options.project ?? 'end-to-end',
      id: runId,
      name: `run ${runId}`,
      optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      layers: options.layers.map((name, depth) => ({ name, depth, parameterCount: 4096 })),
    },
    token,
  );
  return {
    runId,
    post: (frames) => postJson(`${url}/api/v1/runs/${runId}/frames`, { frames }, token),
  };
}

/** Settled training: loss falls slowly, every layer has its own level. */
export function quietFrames(fromStep: number, count: number, layerCount: number): Frame[] {
  return Array.from({ length: count }, (_, index) => {
    const step = fromStep + index;
    return {
      step,
      loss: 4 - step / 1000,
      layers: {
        gradient_norm: Array.from(
          { length: layerCount },
          (_, layer) => 0.01 * (layer + 1) * (1 + 0.1 * Math.sin(step + layer)),
        ),
      },
    };
  });
}
