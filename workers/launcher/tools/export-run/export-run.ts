/**
 * Takes an export in parts of some steps and puts together what came whole.
 *
 *   part ▶ behind FILE.partial ▶ its end noted in FILE.partial.json … ▶ FILE
 *
 * A part that breaks off is cut away and asked for again, by this call or the next one.
 */
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { EXPORT_HEADERS } from '../../../../lib/contract/exports';
import type { ExportOptions } from './export-options';

/** Small enough that little is fetched twice, large enough to cost no time between two. */
const STEPS_A_PART = 5_000;
const TRIES = 5;
const LINE_FEED = 0x0a;

export interface ExportContext {
  /** Shown over the line before. */
  readonly show: (text: string) => void;
  readonly fetch: typeof fetch;
  readonly retryDelayMs: number;
}

/** What the server answers and no second try will change. */
export class ExportRefused extends Error {}

const progressSchema = z.object({
  request: z.string(),
  /** What of the partial file is whole. */
  sizeBytes: z.int(),
  doneSteps: z.int(),
  fromStep: z.int().nullable(),
});
type Progress = z.infer<typeof progressSchema>;

interface Part {
  readonly sizeBytes: number;
  readonly steps: number;
  readonly nextStep: number | null;
  readonly roundedBefore: number | null;
}

export interface ExportedRun {
  readonly files: readonly string[];
  /** What `X-Export-Rounded-Before` and `X-Export-Gaps` say of the whole. */
  readonly roundedBefore: number | null;
  readonly gaps: string | null;
}

/** Writes the files. */
export async function exportRun(
  options: ExportOptions,
  context: ExportContext,
): Promise<ExportedRun> {
  const { total, gaps, ...whole } = await askOfAll(options, context);
  let { roundedBefore } = whole;
  const isBySteps = options.kind === 'layers' || options.kind === 'steps';
  const partial = `${options.out}.partial`;
  const note = `${partial}.json`;
  const request = JSON.stringify({ ...options, token: undefined, url: undefined });
  let progress = (await readProgress(note, request)) ?? {
    ...{ request, sizeBytes: 0, doneSteps: 0, fromStep: null },
  };
  const files: string[] = [];
  for (let tries = 0; ;) {
    const maxSteps = options.format === 'parquet' ? options.partSteps : STEPS_A_PART;
    const more = {
      ...(progress.fromStep === null ? {} : { fromStep: `${progress.fromStep}` }),
      ...(isBySteps && maxSteps !== null ? { maxSteps: `${maxSteps}` } : {}),
    };
    let part: Part;
    try {
      part = await takePart(options, context, partial, progress, more, total);
      tries = 0;
      // Some may have been rounded since.
      roundedBefore = laterOf(roundedBefore, part.roundedBefore);
    } catch (error) {
      if (error instanceof ExportRefused || ++tries >= TRIES) throw error;
      context.show(`broke off: ${error instanceof Error ? error.message : String(error)}; again`);
      await setTimeout(context.retryDelayMs);
      continue;
    }
    const doneSteps = progress.doneSteps + part.steps;
    if (options.partSteps !== null) {
      const file = nameOfPart(options.out, progress.fromStep);
      await rename(partial, file);
      files.push(file);
    }
    const sizeBytes = options.partSteps === null ? progress.sizeBytes + part.sizeBytes : 0;
    if (part.nextStep === null) break;
    progress = { request, sizeBytes, doneSteps, fromStep: part.nextStep };
    await writeFile(note, JSON.stringify(progress));
  }
  if (options.partSteps === null) {
    await rename(partial, options.out);
    files.push(options.out);
  }
  await rm(note, { force: true });
  return { files, roundedBefore, gaps };
}

/** From the headers alone: the body is let go of. */
async function askOfAll(
  options: ExportOptions,
  context: ExportContext,
): Promise<Omit<ExportedRun, 'files'> & { readonly total: number }> {
  const { headers, body } = await ask(options, context, {});
  await body?.cancel();
  return {
    total: Number(headers.get(EXPORT_HEADERS.total)),
    roundedBefore: stepOf(headers, EXPORT_HEADERS.roundedBefore),
    gaps: headers.get(EXPORT_HEADERS.gaps),
  };
}

function stepOf(headers: Headers, name: string): number | null {
  const step = headers.get(name);
  return step === null ? null : Number(step);
}

function laterOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** null where nothing was begun, or something else. */
async function readProgress(note: string, request: string): Promise<Progress | null> {
  let text: string;
  try {
    text = await readFile(note, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const progress = progressSchema.parse(JSON.parse(text));
  return progress.request === request ? progress : null;
}

async function ask(
  { url, token, runId, kind, format, query }: ExportOptions,
  { fetch: send }: ExportContext,
  more: Readonly<Record<string, string>>,
): Promise<Response> {
  const search = new URLSearchParams({ kind, format, ...query, ...more });
  const path = `/api/v1/runs/${encodeURIComponent(runId)}/export?${search.toString()}`;
  const response = await send(`${url}${path}`, {
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  });
  if (response.ok) return response;
  const message = `${response.status}: ${await response.text()}`;
  if (response.status === 429 || response.status >= 500) throw new Error(message);
  throw new ExportRefused(message);
}

/** Writes one part behind what is whole. Throws when it breaks off; the file then has too much. */
async function takePart(
  options: ExportOptions,
  context: ExportContext,
  partial: string,
  progress: Progress,
  more: Readonly<Record<string, string>>,
  total: number,
): Promise<Part> {
  const response = await ask(options, context, more);
  const file = await open(partial, progress.sizeBytes === 0 ? 'w' : 'r+');
  try {
    await file.truncate(progress.sizeBytes);
    // The header of a CSV file stands in its first part.
    let isInHeader = options.format === 'csv' && progress.sizeBytes > 0;
    let sizeBytes = 0;
    for await (const chunk of response.body ?? []) {
      const from = isInHeader ? chunk.indexOf(LINE_FEED) + 1 : 0;
      if (isInHeader && from === 0) continue;
      isInHeader = false;
      const bytes = chunk.subarray(from);
      await file.write(bytes, 0, bytes.length, progress.sizeBytes + sizeBytes);
      sizeBytes += bytes.length;
      const megabytes = ((progress.sizeBytes + sizeBytes) / 1e6).toFixed(1);
      context.show(`${progress.doneSteps} of ${total}, ${megabytes} MB`);
    }
    await file.sync();
    const steps = Number(response.headers.get(EXPORT_HEADERS.total));
    context.show(`${progress.doneSteps + steps} of ${total}`);
    return {
      sizeBytes,
      steps,
      nextStep: stepOf(response.headers, EXPORT_HEADERS.nextStep),
      roundedBefore: stepOf(response.headers, EXPORT_HEADERS.roundedBefore),
    };
  } finally {
    await file.close();
  }
}

/** `run.parquet` becomes `run.5000.parquet`. */
function nameOfPart(out: string, fromStep: number | null): string {
  return out.replace(/(\.parquet)?$/, `.${fromStep ?? 0}$1`);
}
