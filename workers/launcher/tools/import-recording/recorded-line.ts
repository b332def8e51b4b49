import type { FrameInput } from '../../../../clients/typescript/to-frame';
import type { Layer } from '../../../../lib/contract/runs';
import { meaningOfField, meaningOfLayerField, parseRecordedNumber } from './recorded-fields';
import {
  type LayerHistograms,
  joinHistograms,
  parseRecordedHistogram,
} from './recorded-histograms';

/** One step of a recorded file, as it goes to the client. */
export interface RecordedStep {
  /** As the file counts it; null where it does not. */
  readonly attempt: number | null;
  /** The recorded wall time; null where there is none. */
  readonly wallTime: number | null;
  readonly frame: FrameInput;
  /** Things worth saying once: custom metrics, fields that hold no number. */
  readonly remarks: readonly string[];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The layers that a line names, for files without a description beside them. */
export function layersOfLine(line: unknown): Layer[] {
  if (!isRecord(line) || !Array.isArray(line['layers'])) return [];
  return line['layers'].filter(isRecord).map(({ name, n }, index) => ({
    ...describeLayer(typeof name === 'string' && name !== '' ? name : `layer ${index}`),
    parameterCount: typeof n === 'number' && Number.isSafeInteger(n) && n > 0 ? n : 1,
  }));
}

/** What the usual names of GPT-like models say of depth and kind. */
export function describeLayer(name: string): Pick<Layer, 'name' | 'kind' | 'depth'> {
  const block = /(?:^|\.)(?:h|layers?|blocks?)\.(\d{1,5})(?:\.|$)/.exec(name)?.[1];
  const kind = KINDS.find(([, pattern]) => pattern.test(name))?.[0];
  return {
    name,
    ...(kind === undefined ? {} : { kind }),
    ...(block === undefined ? {} : { depth: Number(block) }),
  };
}

const KINDS = [
  ['embedding', /(?:^|\.)(?:wte|wpe|embed\w*)\b/],
  ['norm', /(?:^|\.)(?:ln_\w+|\w*norm\w*)\b/],
  ['attention', /(?:^|\.)(?:attn|attention|self_attn)\b/],
  ['mlp', /(?:^|\.)(?:mlp|ffn|feed_forward)\b/],
  ['head', /(?:^|\.)lm_head\b/],
] as const;

/**
 * Maps one parsed line onto the run's layers, matched by name.
 *
 * Throws  RangeError naming the field when the line is no step of this run
 */
export function mapRecordedLine(
  line: unknown,
  layerIndex: ReadonlyMap<string, number>,
): RecordedStep {
  if (!isRecord(line)) throw new RangeError('expected a JSON object');
  const step = line['step'];
  if (typeof step !== 'number') throw new RangeError('step: expected a number');
  const remarks: string[] = [];
  const scalars: Record<string, number> = {};
  for (const [field, value] of Object.entries(line)) {
    const meaning = meaningOfField(field);
    if (meaning.kind === 'structural' || value === null) continue;
    const number = parseRecordedNumber(value);
    if (number === null) {
      remarks.push(`field ${field} holds no number and is left out`);
      continue;
    }
    if (meaning.kind === 'custom') remarks.push(`field ${field} becomes a custom scalar`);
    scalars[meaning.name] = number;
  }
  const attempt = line['attempt'];
  const frame = {
    step,
    scalars,
    ...mapLayers(Array.isArray(line['layers']) ? line['layers'] : [], layerIndex, remarks),
  };
  return {
    attempt: typeof attempt === 'number' ? attempt : null,
    wallTime: parseRecordedNumber(line['wall_time']),
    frame,
    remarks,
  };
}

function mapLayers(
  entries: readonly unknown[],
  layerIndex: ReadonlyMap<string, number>,
  remarks: string[],
): Pick<FrameInput, 'layers' | 'histograms'> {
  const layerCount = layerIndex.size;
  const columns: Record<string, (number | null)[]> = {};
  const histograms = Array.from({ length: layerCount }, (): LayerHistograms => ({
    update: null,
    ratio: null,
  }));
  for (const entry of entries) {
    if (!isRecord(entry)) throw new RangeError('layers: expected objects');
    const name = entry['name'];
    const index = typeof name === 'string' ? layerIndex.get(name) : undefined;
    if (index === undefined) throw new RangeError(`layers: the run has no ${JSON.stringify(name)}`);
    for (const [field, value] of Object.entries(entry)) {
      const meaning = meaningOfLayerField(field);
      if (meaning.kind === 'structural') continue;
      const number = parseRecordedNumber(value);
      if (number === null && value !== null) {
        remarks.push(`layer field ${field} holds no number and is left out`);
        continue;
      }
      if (meaning.kind === 'custom') remarks.push(`layer field ${field} becomes a custom metric`);
      columns[meaning.name] ??= new Array<number | null>(layerCount).fill(null);
      (columns[meaning.name] ?? [])[index] = number;
    }
    histograms[index] = {
      update: parseRecordedHistogram(entry['u_hist']),
      ratio: parseRecordedHistogram(entry['r_hist']),
    };
  }
  const update = joinHistograms(histograms, 'update');
  const ratio = joinHistograms(histograms, 'ratio');
  const hasHistograms = update !== null || ratio !== null;
  return {
    // A column of nulls alone says nothing: the cosine of the first step.
    layers: Object.fromEntries(
      Object.entries(columns).filter(([, column]) => column.some((value) => value !== null)),
    ),
    ...(hasHistograms
      ? {
          histograms: {
            ...(update === null ? {} : { update }),
            ...(ratio === null ? {} : { ratio }),
          },
        }
      : {}),
  };
}
