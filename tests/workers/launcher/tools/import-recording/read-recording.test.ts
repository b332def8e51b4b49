import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  NoRecording,
  type Recording,
  type RecordingItem,
  nameOfRecording,
  readRecording,
} from '@/workers/launcher/tools/import-recording/read-recording';

const fixture = (path: string) =>
  fileURLToPath(new URL(`../../../../fixtures/${path}`, import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recording-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function allItems(recording: Recording): Promise<RecordingItem[]> {
  const items: RecordingItem[] = [];
  for await (const item of recording.items) items.push(item);
  return items;
}

const stepsOf = (items: readonly RecordingItem[]) =>
  items.map((item) => (item.kind === 'step' ? item.step.frame.step : item.message));

describe('readRecording', () => {
  it('reads the recorded spike: 640 steps of 69 layers, its optimizer from the description', async () => {
    const recording = await readRecording(fixture('recorded/B_spontaneous_spike.jsonl.gz'));
    const items = await allItems(recording);

    expect(recording.layers.length).toBe(69);
    expect(recording.layers[4]).toEqual({
      name: 'transformer.h.0.attn.c_attn.weight',
      kind: 'attention',
      depth: 0,
      parameterCount: 12_288,
      shape: [192, 64],
    });
    expect(recording.description.optimizer).toEqual({
      name: 'adamw',
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-5,
      weightDecay: 0,
    });
    expect(stepsOf(items)).toEqual(Array.from({ length: 640 }, (_, index) => index + 1));

    const at319 = items[318]!;
    expect(at319.kind === 'step' && at319.step.frame.scalars!['loss']).toBeCloseTo(2.84, 2);
    const remarks = items.flatMap((item) => (item.kind === 'step' ? item.step.remarks : []));
    expect(remarks).toEqual([]);
  });

  it('counts every coordinate of every recorded histogram once', async () => {
    const recording = await readRecording(fixture('recorded/C_stale_v.jsonl.gz'));
    const [first, second] = await allItems(recording);

    for (const item of [first, second]) {
      const histograms = item!.kind === 'step' ? item!.step.frame.histograms! : {};
      expect(Object.keys(histograms).sort()).toEqual(['ratio', 'update']);
      for (const { counts, outside } of Object.values(histograms)) {
        recording.layers.forEach(({ parameterCount, name }, layer) => {
          const row = [...counts.slice(layer * 64, layer * 64 + 64)];
          const beside = [...outside!.slice(layer * 4, layer * 4 + 4)];
          expect(
            [...row, ...beside].reduce((sum, count) => sum + count, 0),
            name,
          ).toBe(parameterCount);
        });
      }
    }
  });

  it('reads a public log as it is, with no layers', async () => {
    const recording = await readRecording(fixture('real-logs/bloom-176B-first-loss-spike.csv'));
    const items = await allItems(recording);

    expect(recording.layers).toEqual([]);
    expect(stepsOf(items).slice(0, 3)).toEqual([31214, 31215, 31216]);
    expect(items[0]!.kind === 'step' && items[0]!.step.frame.scalars).toEqual({
      loss: 2.198845,
      gradient_norm: 0.242,
      learning_rate: 5.279e-5,
      global_batch_size: 2048,
    });
  });

  it('makes a fault of a line that is no step, and goes on', async () => {
    const path = join(folder, 'a.jsonl');
    await writeFile(path, '{"step":1,"loss":2}\n\nnot json\n[]\r\n{"step":2}');

    const items = await allItems(await readRecording(path));

    expect(items.map(({ kind }) => kind)).toEqual(['step', 'fault', 'fault', 'step']);
    expect(items[1]).toMatchObject({ lineNumber: 3 });
    expect(stepsOf(items).at(-1)).toBe(2);
  });

  it('keeps the steps before the break of a truncated file', async () => {
    const path = join(folder, 'cut.jsonl.gz');
    const lines = Array.from({ length: 5000 }, (_, step) =>
      JSON.stringify({ step, loss: Math.sin(step) }),
    ).join('\n');
    const whole = gzipSync(lines);
    await writeFile(path, whole.subarray(0, whole.length - 100));

    const items = await allItems(await readRecording(path));

    expect(items.at(-1)).toMatchObject({ kind: 'fault', message: 'unexpected end of file' });
    expect(items.length).toBeGreaterThan(100);
  });

  it('says which file is missing, empty or no recording', async () => {
    await expect(readRecording(join(folder, 'none.jsonl'))).rejects.toThrow(/ENOENT.*none\.jsonl/);
    await writeFile(join(folder, 'empty.csv'), 'step,loss\n');
    await expect(readRecording(join(folder, 'empty.csv'))).rejects.toThrow(/it is empty/);
    await writeFile(join(folder, 'bad.meta.json'), '{"layers":[{"name":"a"}]}');
    await writeFile(join(folder, 'bad.jsonl'), '{"step":1}\n');
    await expect(readRecording(join(folder, 'bad.jsonl'))).rejects.toThrow(/layers/);
    expect(await readFile(join(folder, 'bad.jsonl'), 'utf8')).toBe('{"step":1}\n');
  });

  it.each([
    [
      'samples.safetensors.gz',
      gzipSync('\u0001\u0002{""'),
      'line 1',
      'Expected a JSON object a line',
    ],
    [
      'log.csv',
      'loss\n1\n',
      'line 1: header: expected a column step, got loss',
      'in a .csv a header',
    ],
    ['cut.jsonl.gz', gzipSync('{"step": 1}\n').subarray(0, 12), 'cut.jsonl.gz: '],
    ['empty.jsonl', '', 'expected at least one step'],
  ])('says of %s in a sentence why it is no recording', async (name, content, ...parts) => {
    const path = join(folder, name);
    await writeFile(path, content);
    const error: unknown = await readRecording(path).then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(NoRecording);
    for (const part of [path, ...parts]) expect((error as Error).message).toContain(part);
  });

  it('names the field of a description that is none', async () => {
    await writeFile(join(folder, 'run.jsonl'), '{"step": 1}\n');
    await writeFile(join(folder, 'run.meta.json'), '{"layers": [{"name": "a", "n": "many"}]}');
    const read = readRecording(join(folder, 'run.jsonl'));
    await expect(read).rejects.toThrow(NoRecording);
    await expect(read).rejects.toThrow(/run\.meta\.json: layers\.0\.n: /);
  });
});

describe('nameOfRecording', () => {
  it('is the file without folder and suffixes', () => {
    expect(nameOfRecording('/a/b/C_stale_v.jsonl.gz')).toBe('C_stale_v');
    expect(nameOfRecording('run.2.csv')).toBe('run.2');
  });
});
