/**
 * Takes an export in parts of some steps and puts together what came whole.
 *
 *   part ▶ behind FILE.partial ▶ its end noted in FILE.partial.json … ▶ FILE
 *
 * A part that breaks off is cut away and asked for again, by this call or the next one. Where a
 * part does not go on from those before it, since the run was rewound below it or reports more
 * columns by now, all begins anew.
 */
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { EXPORT_HEADERS } from '../../../../lib/contract/exports';
import type { ExportOptions } from './export-options';
import { joinGaps } from './join-gaps';

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

/** What is there already is of another export than what would follow. */
class PartsDiffer extends Error {}

const progressSchema = z.object({
  request: z.string(),
  /** What of the partial file is whole. */
  sizeBytes: z.int(),
  doneSteps: z.int(),
  fromStep: z.int().nullable(),
  /** `X-Export-Attempts` of what is whole, and of CSV the line of its columns. */
  attempts: z.string().nullable(),
  columns: z.string().nullable(),
  /** Parts that are files of their own. */
  files: z.array(z.string()),
});
type Progress = z.infer<typeof progressSchema>;

interface Part {
  readonly sizeBytes: number;
  readonly steps: number;
  readonly nextStep: number | null;
  readonly roundedBefore: number | null;
  readonly gaps: string | null;
  readonly attempts: string | null;
  readonly columns: string | null;
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
  const { total, ...whole } = await askOfAll(options, context);
  let { roundedBefore, gaps } = whole;
  const isBySteps = options.kind === 'layers' || options.kind === 'steps';
  const partial = `${options.out}.partial`;
  const note = `${partial}.json`;
  const request = JSON.stringify({ ...options, token: undefined, url: undefined });
  const nothing: Progress = {
    ...{ request, sizeBytes: 0, doneSteps: 0, fromStep: null },
    ...{ attempts: null, columns: null, files: [] },
  };
  let progress = (await readProgress(note, request)) ?? nothing;
  const files = [...progress.files];
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
      // Some may have been rounded since, or have gone.
      roundedBefore = laterOf(roundedBefore, part.roundedBefore);
      gaps = joinGaps(gaps, part.gaps);
    } catch (error) {
      if (error instanceof PartsDiffer) {
        context.show(`${error.message}; from the beginning`);
        // Before anything of what it speaks of is written over.
        await rm(note, { force: true });
        for (const file of files.splice(0)) await rm(file, { force: true });
        progress = nothing;
        continue;
      }
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
    const { nextStep: fromStep, attempts, columns } = part;
    progress = { request, sizeBytes, doneSteps, fromStep, attempts, columns, files };
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

/** null where nothing was begun, or something else, or by another version. */
async function readProgress(note: string, request: string): Promise<Progress | null> {
  let text: string;
  try {
    text = await readFile(note, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const { data: progress } = progressSchema.safeParse(JSON.parse(text));
  return progress?.request === request ? progress : null;
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
  const attempts = response.headers.get(EXPORT_HEADERS.attempts);
  if (!goesOn(progress, attempts)) {
    await response.body?.cancel();
    throw new PartsDiffer('the run was rewound below what is there');
  }
  const file = await open(partial, progress.sizeBytes === 0 ? 'w' : 'r+');
  try {
    await file.truncate(progress.sizeBytes);
    const hasHeader = options.format === 'csv';
    let columns = '';
    let isInHeader = hasHeader;
    let sizeBytes = 0;
    for await (const chunk of response.body ?? []) {
      let from = 0;
      if (isInHeader) {
        const end = chunk.indexOf(LINE_FEED) + 1;
        columns += Buffer.from(end === 0 ? chunk : chunk.subarray(0, end)).toString('latin1');
        isInHeader = end === 0;
        // It stands in the first part alone.
        if (progress.columns !== null) {
          if (isInHeader) continue;
          if (columns !== progress.columns) throw new PartsDiffer('the run has other columns now');
          from = end;
        }
      }
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
      gaps: response.headers.get(EXPORT_HEADERS.gaps),
      attempts,
      columns: hasHeader ? columns : null,
    };
  } finally {
    await file.close();
  }
}

/** Whether the same attempts count, below where a part begins, as in the parts before. */
function goesOn({ fromStep, attempts: before }: Progress, attempts: string | null): boolean {
  if (fromStep === null || before === null || attempts === null) return true;
  const below = (list: string) =>
    list.split(',').filter((segment) => Number(segment.split(':')[1]) < fromStep);
  return below(before).join() === below(attempts).join();
}

/** `run.parquet` becomes `run.5000.parquet`. */
function nameOfPart(out: string, fromStep: number | null): string {
  return out.replace(/(\.parquet)?$/, `.${fromStep ?? 0}$1`);
}
