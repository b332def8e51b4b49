/**
 * One transaction that stores frames of any runs. In order:
 *   lock the runs against deletion → claim each frame's key in `frame`, which decides
 *   stored, duplicate or conflict by the content's hash, and whether its layers are still
 *   free → payload of the claimed frames by
 *   COPY → what the steps say besides → histograms → COMMIT.
 * The claim makes COPY safe, which has no ON CONFLICT: a key that this transaction has just
 * inserted is nobody else's. No outcome is known before the COMMIT.
 */
import type { Client } from 'pg';
import { AppError } from '../../contract/app-error';
import { arrayParameter, BinaryWriter } from '../postgres/binary-writer';
import { CopyIn } from '../postgres/copy-binary';
import { frameKey, idOf, StaleNamesError, type BatchEntry, type FrameOutcome } from './frame-entry';
import { storeHistograms } from './histogram-batch';
import type { MetricRegistry, RunNames } from './metric-registry';
import { DELETING } from '../runs/run-status';
import { upsertSteps } from './step-batch';

/**
 * As much as a small batch, so that a disk with room for a row alone still counts as full;
 * rolled back, it leaves dead rows that the next ones reuse. EXTERNAL storage keeps it whole.
 */
export const TRIAL_WRITE_SQL = `BEGIN;
  INSERT INTO hot_frame (run, attempt, step, layer_offset, layer_count, metric_ids, "values")
  VALUES (gen_random_uuid(), 0, 0, 0, 0, '{}', convert_to(repeat('x', 1000000), 'UTF8'));
  ROLLBACK`;

/**
 * A plan that was made while `frame` was small must not read all of it for each frame later;
 * statements of a batch look for keys alone.
 */
const BEGIN_SQL = 'BEGIN; SET LOCAL enable_seqscan = off';

/** Larger payloads than a batch usually has are given back to the system. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/**
 * Where a batch's payload is laid out, batch after batch in the same place: the connection
 * has sent it all once COPY has succeeded. After a failure it may still be sending.
 */
export class PayloadMemory {
  #kept: Buffer | null = null;
  #taken: Buffer | null = null;

  take(sizeBytes: number): Buffer {
    const kept = this.#kept;
    this.#kept = null;
    // Half as much again: the next batch may hold a frame more.
    const suffices = kept !== null && kept.length >= sizeBytes;
    this.#taken = suffices ? kept : Buffer.allocUnsafeSlow(sizeBytes + (sizeBytes >>> 1));
    return this.#taken;
  }

  give(): void {
    const taken = this.#taken;
    this.#taken = null;
    if (taken !== null && taken.length <= MAX_KEPT_BYTES) this.#kept = taken;
  }
}

/**
 * Stores the entries and returns their outcomes in order. Names must be registered.
 *
 * Throws  StaleNamesError, or whatever the database says; nothing is stored then
 */
export async function storeBatch(
  client: Client,
  entries: readonly BatchEntry[],
  registry: MetricRegistry,
  memory = new PayloadMemory(),
): Promise<FrameOutcome[]> {
  await client.query(BEGIN_SQL);
  try {
    const names = await lockRuns(client, entries, registry);
    const present = entries.filter((entry) => names.has(entry.runKey));
    const { outcomes, claimed } = await claimFrames(client, present);
    await copyValues(client, claimed, names, memory);
    await upsertSteps(client, claimed, names);
    const newEdges = await storeHistograms(client, claimed, names);
    for (const entry of claimed) entry.isInDoubt = true;
    await client.query('COMMIT');
    for (const { runKey, edgesHash } of newEdges) names.get(runKey)?.edges.add(edgesHash);
    return entries.map(
      (entry) =>
        outcomes.get(entry) ?? new AppError('run_not_found', 'the run was deleted meanwhile'),
    );
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** The names of the runs that exist; the share lock holds off their deletion until COMMIT. */
async function lockRuns(
  client: Client,
  entries: readonly BatchEntry[],
  registry: MetricRegistry,
): Promise<ReadonlyMap<string, RunNames>> {
  const runKeys = [...new Set(entries.map(({ runKey }) => runKey))];
  const { rows } = await client.query<{ run: string; created_at: string }>({
    name: 'lock_runs',
    text: `SELECT run::text, created_at::text FROM run
      WHERE run = ANY($1::uuid[]) AND status <> '${DELETING}' FOR KEY SHARE`,
    values: [runKeys],
  });
  const names = new Map<string, RunNames>();
  for (const { run, created_at: createdAt } of rows) {
    const known = registry.get(run);
    if (known?.createdAt !== createdAt) {
      registry.forget(run);
      throw new StaleNamesError('the names of the run are those of a deleted one');
    }
    names.set(run, known);
  }
  return names;
}

/** Whose content a key holds: an entry of this batch, or a frame stored before. */
interface Holder {
  readonly contentHash: Buffer;
  readonly entry: BatchEntry | null;
}

interface Claims {
  readonly outcomes: ReadonlyMap<BatchEntry, FrameOutcome>;
  /** The entries whose payload is now to be written. */
  readonly claimed: readonly BatchEntry[];
}

async function claimFrames(client: Client, entries: readonly BatchEntry[]): Promise<Claims> {
  if (entries.length === 0) return { outcomes: new Map(), claimed: [] };
  const claimed: BatchEntry[] = [];
  const inserted = new Set<string>();
  let waiting = entries;
  // One round, unless entries are in each other's way: the next sees what this one has stored.
  while (waiting.length > 0) {
    const round = withoutOverlaps(waiting);
    const keys = await insertFrameKeys(client, round);
    for (const key of keys) inserted.add(key);
    claimed.push(...round.filter(({ key }) => keys.has(key)));
    const tried = new Set(round);
    waiting = waiting.filter((entry) => !tried.has(entry) && !inserted.has(entry.key));
  }
  const taken = firstOfKeys(entries).filter(({ key }) => !inserted.has(key));
  const holders = new Map<string, Holder>(
    claimed.map((entry) => [entry.key, { contentHash: entry.contentHash, entry }]),
  );
  if (taken.length > 0) await readHolders(client, taken, holders);
  const outcomes = new Map(entries.map((entry) => [entry, outcomeOf(entry, holders)]));
  return { outcomes, claimed };
}

/** The first entry of each key. */
function firstOfKeys(entries: readonly BatchEntry[]): BatchEntry[] {
  const firsts = new Map<string, BatchEntry>();
  for (const entry of entries) if (!firsts.has(entry.key)) firsts.set(entry.key, entry);
  return [...firsts.values()];
}

/** Those that share no key and no layer with one before them: one statement sees no row of its own. */
function withoutOverlaps(entries: readonly BatchEntry[]): BatchEntry[] {
  const ofSteps = new Map<string, BatchEntry[]>();
  return entries.filter((entry) => {
    const step = `${entry.runKey}/${entry.attempt}/${entry.frame.step}`;
    const others = ofSteps.get(step);
    if (others === undefined) ofSteps.set(step, [entry]);
    else if (others.some((other) => other.key === entry.key || haveCommonLayers(entry, other)))
      return false;
    else others.push(entry);
    return true;
  });
}

/** How many layers a frame says anything of; scalars alone are in nobody's way. */
function heldLayers(frame: BatchEntry['frame'] | undefined): number {
  if (frame === undefined || frame.layerMetrics.size + frame.histograms.size === 0) return 0;
  return frame.layerCount;
}

function haveCommonLayers(a: BatchEntry, b: BatchEntry): boolean {
  const from = Math.max(a.layerOffset, b.layerOffset);
  return from < Math.min(a.layerOffset + heldLayers(a.frame), b.layerOffset + heldLayers(b.frame));
}

function outcomeOf(entry: BatchEntry, holders: ReadonlyMap<string, Holder>): FrameOutcome {
  const holder = holders.get(entry.key);
  // Nobody's key and not inserted either: between the two only deleting its run could have
  // removed it, whose row is locked. So it is the layers that are somebody else's.
  if (holder === undefined) return 'overlap';
  if (holder.entry === entry) return 'stored';
  return holder.contentHash.equals(entry.contentHash) ? 'duplicate' : 'conflict';
}

function keyParameters(entries: readonly BatchEntry[]): Buffer[] {
  const { length } = entries;
  const at = (index: number): BatchEntry => {
    const entry = entries[index];
    if (entry === undefined) throw new RangeError(`no entry ${index}`);
    return entry;
  };
  return [
    arrayParameter('uuid', length, (writer, index) => writer.uuid(at(index).runBytes)),
    arrayParameter('int4', length, (writer, index) => writer.int4(at(index).attempt)),
    arrayParameter('int8', length, (writer, index) => writer.int8(at(index).frame.step)),
    arrayParameter('int4', length, (writer, index) => writer.int4(at(index).layerOffset)),
  ];
}

async function insertFrameKeys(
  client: Client,
  entries: readonly BatchEntry[],
): Promise<ReadonlySet<string>> {
  const { length } = entries;
  const { rows } = await client.query<[string, number, string, number]>({
    name: 'insert_frame_keys',
    text: `INSERT INTO frame (run, attempt, step, layer_offset, layer_count, content_hash, posted_measures)
      SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::bytea[], $7::smallint[])
        AS new (run, attempt, step, layer_offset, layer_count, content_hash, posted_measures)
      WHERE (SELECT true FROM frame WHERE frame.run = new.run AND frame.attempt = new.attempt
          AND frame.step = new.step AND frame.layer_offset <> new.layer_offset
          AND greatest(frame.layer_offset, new.layer_offset)
            < least(frame.layer_offset + frame.layer_count, new.layer_offset + new.layer_count)
        LIMIT 1) IS NULL
      ON CONFLICT (run, attempt, step, layer_offset) DO NOTHING
      RETURNING run::text, attempt, step::text, layer_offset`,
    values: [
      ...keyParameters(entries),
      arrayParameter('int4', length, (writer, index) =>
        writer.int4(heldLayers(entries[index]?.frame)),
      ),
      arrayParameter('bytea', length, (writer, index) =>
        writer.bytea([entries[index]?.contentHash ?? Buffer.alloc(0)]),
      ),
      arrayParameter('int2', length, (writer, index) =>
        writer.int2(entries[index]?.postedMeasures ?? 0),
      ),
    ],
    rowMode: 'array',
  });
  return new Set(rows.map((row) => frameKey(...row)));
}

async function readHolders(
  client: Client,
  taken: readonly BatchEntry[],
  holders: Map<string, Holder>,
): Promise<void> {
  const { rows } = await client.query<[string, number, string, number, Buffer]>({
    name: 'read_frame_hashes',
    text: `SELECT run::text, attempt, step::text, layer_offset, content_hash FROM frame
      WHERE (run, attempt, step, layer_offset) IN
        (SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[]))`,
    values: keyParameters(taken),
    rowMode: 'array',
  });
  const entryOf = new Map(taken.map((entry) => [entry.key, entry]));
  for (const [run, attempt, step, layerOffset, contentHash] of rows) {
    const key = frameKey(run, attempt, step, layerOffset);
    const entry = entryOf.get(key);
    const isOurs = entry?.isInDoubt === true && entry.contentHash.equals(contentHash);
    holders.set(key, { contentHash, entry: isOurs ? entry : null });
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A post without layer metrics has a row too: compaction is told by it that a step came late. */
async function copyValues(
  client: Client,
  claimed: readonly BatchEntry[],
  names: ReadonlyMap<string, RunNames>,
  memory: PayloadMemory,
): Promise<void> {
  if (claimed.length === 0) return;
  let payloadBytes = 64;
  for (const { frame } of claimed)
    payloadBytes += frame.layerMetrics.size * (frame.layerCount * 4 + 6) + 128;
  const writer = new BinaryWriter(memory.take(payloadBytes));
  writer.copyHeader();
  for (const { runKey, runBytes, attempt, layerOffset, frame } of claimed) {
    const ids = names.get(runKey)?.layer;
    const metrics = [...frame.layerMetrics];
    writer.row(7);
    writer.uuid(runBytes);
    writer.int4(attempt);
    writer.int8(frame.step);
    writer.int4(layerOffset);
    writer.int4(frame.layerCount);
    writer.array('int2', metrics.length, (index) =>
      writer.int2(idOf(ids, metrics[index]?.[0] ?? '')),
    );
    writer.bytea(metrics.map(([, values]) => bytesOf(values)));
  }
  writer.copyTrailer();
  await client.query(
    new CopyIn(
      'hot_frame (run, attempt, step, layer_offset, layer_count, metric_ids, "values")',
      writer.finish(),
    ),
  ).done;
  memory.give();
}
