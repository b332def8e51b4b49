/** Holds what is stored against the ledger: key by key in SQL, value by value over the API. */
import pg from 'pg';
import { decodeHeatmapColumns, SAFETENSORS_MEDIA_TYPE } from '@/lib/contract/heatmap-columns';
import { countsAt, hasHistogram, lossAt, METRICS, valueAt } from './contents';
import { keyOf, type Ledger, type Posted, type RunFacts } from './ledger';

/** Posts that are stored, by run, attempt and step. */
type Stored = ReadonlyMap<string, ReadonlyMap<number, ReadonlyMap<number, readonly Posted[]>>>;

const WINDOW_STEPS = 500;
const COARSE_COLUMNS = 40;

export class StoredCheck {
  readonly #url: string;
  readonly #databaseUrl: string;
  readonly #ledger: Ledger;

  constructor(url: string, databaseUrl: string, ledger: Ledger) {
    this.#url = url;
    this.#databaseUrl = databaseUrl;
    this.#ledger = ledger;
  }

  /**
   * Every acknowledged post is stored, each once, nothing that was never sent; a stored post
   * has its step, its histograms and its layers, in a hot row or in blocks.
   */
  async checkKeys(): Promise<Stored> {
    const client = new pg.Client({ connectionString: this.#databaseUrl });
    await client.connect();
    try {
      return await this.#checkKeys(client);
    } finally {
      await client.end();
    }
  }

  async #checkKeys(client: pg.Client): Promise<Stored> {
    const { rows } = await client.query<{
      run: string;
      attempt: number;
      step: number;
      layer_offset: number;
      has_step: boolean;
      counts: Buffer | null;
      count_width: number | null;
    }>(
      `SELECT id AS run, frame.attempt, frame.step::int, frame.layer_offset,
         step.loss IS NOT NULL AND cardinality(step.scalar_ids) > 0 AS has_step, counts, count_width
       FROM frame JOIN run USING (run)
       LEFT JOIN step USING (run, attempt, step)
       LEFT JOIN histogram_frame AS histogram
         ON (histogram.run, histogram.attempt, histogram.step, histogram.layer_offset) =
            (frame.run, frame.attempt, frame.step, frame.layer_offset)`,
    );
    const stored = new Map<string, Map<number, Map<number, Posted[]>>>();
    const keys = new Set<string>();
    for (const { run, attempt, step, layer_offset: layerOffset, ...row } of rows) {
      const key = keyOf({ run, attempt, step, layerOffset });
      const post = this.#ledger.sent.get(key);
      if (post === undefined) throw new Error(`${key} is stored and was never sent`);
      if (keys.has(key)) throw new Error(`${key} is stored twice`);
      keys.add(key);
      if (!row.has_step) throw new Error(`${key} is stored without its scalars`);
      checkCounts(key, post, row.counts, row.count_width);
      const attempts = stored.get(run) ?? new Map<number, Map<number, Posted[]>>();
      stored.set(run, attempts);
      const steps = attempts.get(attempt) ?? new Map<number, Posted[]>();
      attempts.set(attempt, steps);
      steps.set(step, [...(steps.get(step) ?? []), post]);
    }
    for (const key of this.#ledger.sent.keys()) {
      if (this.#ledger.isAcknowledged(key) && !keys.has(key)) {
        throw new Error(`${key} was acknowledged and is not stored`);
      }
    }
    const { rows: strays } = await client.query(
      `SELECT step.run, step.attempt, step.step FROM step
         LEFT JOIN frame USING (run, attempt, step) WHERE frame.run IS NULL
       UNION ALL SELECT hot.run, hot.attempt, hot.step FROM hot_frame AS hot
         LEFT JOIN frame USING (run, attempt, step, layer_offset) WHERE frame.run IS NULL
       UNION ALL SELECT histogram.run, histogram.attempt, histogram.step FROM histogram_frame AS histogram
         LEFT JOIN frame USING (run, attempt, step, layer_offset) WHERE frame.run IS NULL`,
    );
    if (strays.length > 0) throw new Error(`half a post is stored: ${JSON.stringify(strays[0])}`);
    return stored;
  }

  /** Every value of every attempt as it was posted, nothing where nothing is stored, at every zoom. */
  async checkValues(stored: Stored): Promise<number> {
    let cells = 0;
    for (const facts of this.#ledger.runs.values()) {
      const attempts = stored.get(facts.id) ?? new Map<number, Map<number, Posted[]>>();
      for (const [attempt, steps] of attempts) {
        cells += await this.#checkWindow(
          facts,
          String(attempt),
          new Map(toEntries(attempt, steps)),
        );
      }
      const effective = new Map<number, StepOfAttempt>();
      for (const [attempt, steps] of attempts) {
        const before = Math.min(Infinity, ...facts.resumeSteps.slice(attempt));
        for (const [step, entry] of toEntries(attempt, steps)) {
          if (step < before) effective.set(step, entry);
        }
      }
      cells += await this.#checkWindow(facts, 'effective', effective);
    }
    return cells;
  }

  async #checkWindow(
    facts: RunFacts,
    attempt: string,
    expected: ReadonlyMap<number, StepOfAttempt>,
  ): Promise<number> {
    const newest = Math.max(-1, ...expected.keys());
    let cells = 0;
    for (const [index, metric] of METRICS.entries()) {
      const read = (fromStep: number, toStep: number, columns: number) =>
        this.#readHeatmap(facts.id, { metric, attempt, fromStep, toStep, columns });
      let reported = 0;
      for (let from = 0; from <= newest; from += WINDOW_STEPS) {
        const columns = await read(from, from + WINDOW_STEPS - 1, 1000);
        reported += columns.columnCount;
        cells += checkColumns(facts, attempt, index, columns, expected);
      }
      if (reported !== expected.size) {
        throw new Error(`${facts.id}/${attempt}: ${reported} steps of ${expected.size} are read`);
      }
      cells += checkColumns(
        facts,
        attempt,
        index,
        await read(0, newest + 1000, COARSE_COLUMNS),
        expected,
      );
    }
    return cells;
  }

  async #readHeatmap(run: string, query: Record<string, string | number>) {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]) => [name, String(value)]),
    );
    const response = await fetch(`${this.#url}/api/v1/runs/${run}/heatmap?${search.toString()}`, {
      headers: { Accept: SAFETENSORS_MEDIA_TYPE },
    });
    if (response.status !== 200) {
      throw new Error(`${run}: ${response.status} ${await response.text()}`);
    }
    return decodeHeatmapColumns(new Uint8Array(await response.arrayBuffer()));
  }
}

interface StepOfAttempt {
  readonly attempt: number;
  readonly posts: readonly Posted[];
}

function toEntries(
  attempt: number,
  steps: ReadonlyMap<number, readonly Posted[]>,
): [number, StepOfAttempt][] {
  return Array.from(steps, ([step, posts]) => [step, { attempt, posts }]);
}

function checkCounts(key: string, post: Posted, counts: Buffer | null, width: number | null): void {
  const { attempt, step, layerOffset, layerCount } = post;
  if (!hasHistogram(step)) {
    if (counts !== null) throw new Error(`${key} has a histogram that was never sent`);
    return;
  }
  if (counts === null || width === null) throw new Error(`${key} has lost its histogram`);
  const expected = Array.from({ length: layerCount }, (_, index) =>
    countsAt(attempt, step, layerOffset + index),
  ).flat();
  const found = expected.map((_, index) => counts.readUIntLE(index * width, width));
  if (found.some((count, index) => count !== expected[index])) {
    throw new Error(`${key} has other counts than were posted`);
  }
}

/** Each column against all that is stored between its first and its last step, layer by layer. */
function checkColumns(
  { id, layerCount }: RunFacts,
  attempt: string,
  metric: number,
  columns: ReturnType<typeof decodeHeatmapColumns>,
  expected: ReadonlyMap<number, StepOfAttempt>,
): number {
  const ordered = Array.from(expected.keys()).sort((a, b) => a - b);
  let position = 0;
  for (let column = 0; column < columns.columnCount; column++) {
    const from = columns.fromStep[column] ?? NaN;
    const to = columns.toStep[column] ?? NaN;
    while ((ordered[position] ?? Infinity) < from) position++;
    const first = position;
    while ((ordered[position] ?? Infinity) <= to) position++;
    const steps = ordered.slice(first, position);
    const where = `${id}/${attempt} ${METRICS[metric]!} ${from}…${to}`;
    if (steps[0] !== from || steps.at(-1) !== to) throw new Error(`${where}: not what is stored`);
    const losses = steps.map((step) => Math.fround(lossAt(expected.get(step)!.attempt, step)));
    if (columns.columnCount > COARSE_COLUMNS && columns.loss[column] !== losses[0]) {
      throw new Error(`${where}: loss ${columns.loss[column] ?? 0}, posted ${losses[0] ?? 0}`);
    }
    for (let layer = 0; layer < layerCount; layer++) {
      let highest = -Infinity;
      let nonFinite = 0;
      for (const step of steps) {
        const { attempt: number, posts } = expected.get(step)!;
        const isPosted = posts.some(
          (post) => layer >= post.layerOffset && layer < post.layerOffset + post.layerCount,
        );
        if (!isPosted) continue;
        const value = valueAt(number, step, metric, layer);
        if (Number.isFinite(value)) highest = Math.max(highest, value);
        else nonFinite++;
      }
      const cell = layer * columns.columnCount + column;
      const wanted = highest === -Infinity ? NaN : highest;
      if (!Object.is(columns.values[cell], wanted) || columns.nonFinite[cell] !== nonFinite) {
        throw new Error(
          `${where} layer ${layer}: ${columns.values[cell] ?? 0} and ${columns.nonFinite[cell] ?? 0} non-finite, posted ${wanted} and ${nonFinite}`,
        );
      }
    }
  }
  return columns.columnCount * layerCount;
}
