import { parseArgs } from 'node:util';
import type { Environment } from '../../../../lib/config/config';
import {
  type ExportFormat,
  type ExportKind,
  exportFormatSchema,
  exportKindSchema,
} from '../../../../lib/contract/exports';
import { readServerAddress } from '../server-address';
import { UsageError } from '../usage-error';

export interface ExportOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly runId: string;
  readonly kind: ExportKind;
  readonly format: ExportFormat;
  readonly out: string;
  /** Of Parquet a file for each so many steps; null for one file. */
  readonly partSteps: number | null;
  /** What else the contract's query takes, by its names. */
  readonly query: Readonly<Record<string, string>>;
}

export const EXPORT_USAGE = `Exports what is stored of a run. Called again, it goes on where it broke off.

  npm run export -- RUN --out FILE [options]

  --kind K         layers (the default), steps, spikes, stages or events
  --format F       csv (the default), jsonl or parquet
  --metric A,B     these layer metrics or scalars alone
  --layers 0,4-7   these layers alone
  --from-step N    --to-step N    --attempt N|effective|all
  --part-steps N   Parquet: one file for each N steps, FILE with the first step before its ending
  --url URL        where Spikescope answers (SPIKESCOPE_URL, else http://127.0.0.1:3000)
  --token TOKEN    of scope read, where tokens are required (SPIKESCOPE_TOKEN)
  --help           this text`;

/** Throws  UsageError naming the option or variable and what it takes */
export function parseExportOptions(
  args: readonly string[],
  environment: Environment,
): ExportOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help === true) return 'help';
  const [runId, ...more] = positionals;
  if (runId === undefined || more.length > 0) {
    throw new UsageError(`expected one run, got ${positionals.length}`);
  }
  if (values.out === undefined) throw new UsageError('--out: expected a file');
  const format = exportFormatSchema.safeParse(values.format ?? 'csv');
  if (!format.success) throw new UsageError('--format: expected csv, jsonl or parquet');
  const kind = exportKindSchema.safeParse(values.kind ?? 'layers');
  if (!kind.success) {
    throw new UsageError('--kind: expected layers, steps, spikes, stages or events');
  }
  const isBySteps = kind.data === 'layers' || kind.data === 'steps';
  const partSteps = values['part-steps'] === undefined ? null : Number(values['part-steps']);
  if (partSteps !== null && !(Number.isSafeInteger(partSteps) && partSteps > 0)) {
    throw new UsageError('--part-steps: expected a number of steps above 0');
  }
  if (partSteps !== null && (format.data !== 'parquet' || !isBySteps)) {
    throw new UsageError('--part-steps: is for Parquet files of layers or steps');
  }
  const given = {
    metric: values.metric,
    layers: values.layers,
    fromStep: values['from-step'],
    toStep: values['to-step'],
    attempt: values.attempt,
  };
  return {
    ...readServerAddress(values, environment),
    runId,
    kind: kind.data,
    format: format.data,
    out: values.out,
    partSteps,
    query: Object.fromEntries(
      Object.entries(given).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    ),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' as const };
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...{ url: text, token: text, kind: text, format: text, out: text, metric: text },
        ...{ layers: text, attempt: text, 'from-step': text, 'to-step': text, 'part-steps': text },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
