import { parseArgs } from 'node:util';

export interface TrainOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly project: string;
  readonly runId: string | undefined;
  readonly name: string | undefined;
  readonly text: string | undefined;
  readonly steps: number;
  readonly depth: number;
  readonly width: number;
  readonly heads: number;
  readonly context: number;
  readonly batch: number;
  readonly batches: number;
  readonly learningRate: number;
  readonly warmup: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly seed: number;
  readonly histogramEvery: number;
  readonly checkpointEvery: number;
  readonly checkpoints: string;
  readonly provoke: boolean;
  readonly resume: boolean;
}

interface NumberFlag {
  readonly initial: number;
  /** Where --provoke wants another default. */
  readonly provoked?: number;
  readonly least: number;
  /** The value has to be below it. */
  readonly below?: number;
  readonly isWhole?: boolean;
  readonly help: string;
}

/**
 * The model is the smallest that has the layers of a large one and makes 2 steps a second
 * on one core. --provoke trains on one fixed batch, the noise-free limit of a large one,
 * with an ε above the gradients that remain; see examples/README.md for what that gave.
 */
const NUMBER_FLAGS = {
  steps: { initial: 5000, least: 1, isWhole: true, help: 'steps to take' },
  depth: { initial: 6, least: 1, isWhole: true, help: 'blocks' },
  width: { initial: 64, least: 1, isWhole: true, help: 'width of the residual stream' },
  heads: { initial: 4, least: 1, isWhole: true, help: 'attention heads; they divide the width' },
  context: { initial: 64, least: 1, isWhole: true, help: 'characters a sequence' },
  batch: { initial: 8, least: 1, isWhole: true, help: 'sequences a step' },
  batches: {
    initial: 0,
    provoked: 1,
    least: 0,
    isWhole: true,
    help: 'different batches, taken in turn; 0: a new one every step',
  },
  'learning-rate': { initial: 3e-3, least: 0, help: 'after the warm-up' },
  warmup: {
    initial: 20,
    least: 0,
    isWhole: true,
    help: 'steps until the learning rate is reached',
  },
  beta1: { initial: 0.9, least: 0, below: 1, help: 'decay of the first moment' },
  beta2: { initial: 0.95, least: 0, below: 1, help: 'decay of the second moment' },
  epsilon: { initial: 1e-8, provoked: 1e-5, least: 0, help: 'added to √v' },
  'weight-decay': { initial: 0.01, provoked: 0, least: 0, help: 'of all but the norms' },
  seed: { initial: 1, least: 0, isWhole: true, help: 'of the weights and the batches' },
  'histogram-every': {
    initial: 1,
    least: 0,
    isWhole: true,
    help: 'steps between distributions of r and u; 0: none',
  },
  'checkpoint-every': {
    initial: 250,
    least: 0,
    isWhole: true,
    help: 'steps between checkpoints; 0: none',
  },
} as const satisfies Record<string, NumberFlag>;

const TEXT_FLAGS = {
  url: 'where Spikescope answers (SPIKESCOPE_URL, else http://127.0.0.1:3000)',
  token: 'an ingest token, where one is required (SPIKESCOPE_TOKEN)',
  project: 'project of the run (demo)',
  'run-id': 'id of the run; left out: made from the time',
  name: 'name of the run',
  text: 'file to train on; left out: the novel that is shipped',
  checkpoints: 'folder for checkpoints (.data/checkpoints)',
} as const;

const SWITCHES = {
  provoke: 'provoke a loss spike: one fixed batch, a large ε, a raised learning rate',
  resume: 'go on from the newest checkpoint of --run-id, as a new attempt',
  help: 'this text',
} as const;

type NumberName = keyof typeof NUMBER_FLAGS;

export class UsageError extends Error {}

/** Throws  UsageError naming the flag and what it takes */
export function parseTrainOptions(
  args: readonly string[],
  { SPIKESCOPE_URL, SPIKESCOPE_TOKEN }: Readonly<Record<string, string | undefined>>,
): TrainOptions | 'help' {
  const { values } = parse(args);
  const isOn = (name: keyof typeof SWITCHES): boolean => values[name] === true;
  if (isOn('help')) return 'help';
  const text = (name: keyof typeof TEXT_FLAGS): string | undefined => {
    const value = values[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const provoke = isOn('provoke');
  const number = (name: NumberName): number => readNumber(name, values[name], provoke);
  const options = {
    url: text('url') ?? (SPIKESCOPE_URL || 'http://127.0.0.1:3000'),
    token: text('token') ?? (SPIKESCOPE_TOKEN || undefined),
    project: text('project') ?? 'demo',
    runId: text('run-id'),
    name: text('name'),
    text: text('text'),
    steps: number('steps'),
    depth: number('depth'),
    width: number('width'),
    heads: number('heads'),
    context: number('context'),
    batch: number('batch'),
    batches: number('batches'),
    learningRate: number('learning-rate'),
    warmup: number('warmup'),
    beta1: number('beta1'),
    beta2: number('beta2'),
    epsilon: number('epsilon'),
    weightDecay: number('weight-decay'),
    seed: number('seed'),
    histogramEvery: number('histogram-every'),
    checkpointEvery: number('checkpoint-every'),
    checkpoints: text('checkpoints') ?? '.data/checkpoints',
    provoke,
    resume: isOn('resume'),
  };
  if (options.width % options.heads !== 0) {
    throw new UsageError(
      `--heads: expected a divisor of the width ${options.width}, got ${options.heads}`,
    );
  }
  if (options.resume && options.runId === undefined) {
    throw new UsageError('--resume: expected --run-id beside it, the run to go on with');
  }
  return options;
}

function parse(args: readonly string[]) {
  const flags: Record<string, { type: 'string' | 'boolean' }> = {};
  for (const name of [...Object.keys(NUMBER_FLAGS), ...Object.keys(TEXT_FLAGS)]) {
    flags[name] = { type: 'string' };
  }
  for (const name of Object.keys(SWITCHES)) flags[name] = { type: 'boolean' };
  try {
    return parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: false });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readNumber(name: NumberName, given: unknown, isProvoked: boolean): number {
  const flag: NumberFlag = NUMBER_FLAGS[name];
  if (given === undefined) return isProvoked ? (flag.provoked ?? flag.initial) : flag.initial;
  const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : NaN;
  const isFine =
    Number.isFinite(value) &&
    value >= flag.least &&
    (flag.below === undefined || value < flag.below) &&
    (flag.isWhole !== true || Number.isSafeInteger(value));
  if (!isFine) {
    const kind = flag.isWhole === true ? 'a whole number' : 'a number';
    const below = flag.below === undefined ? '' : ` and below ${flag.below}`;
    throw new UsageError(
      `--${name}: expected ${kind} of at least ${flag.least}${below}, got ${JSON.stringify(given)}`,
    );
  }
  return value;
}

export function usage(): string {
  const line = (name: string, help: string) => `  --${name.padEnd(18)} ${help}`;
  const numbers = Object.entries<NumberFlag>(NUMBER_FLAGS).map(([name, flag]) => {
    const provoked = flag.provoked === undefined ? '' : `, ${flag.provoked} with --provoke`;
    return line(name, `${flag.help} (${flag.initial}${provoked})`);
  });
  return [
    'Trains a small transformer and posts every step to Spikescope.',
    '',
    ...Object.entries(SWITCHES).map(([name, help]) => line(name, help)),
    ...Object.entries(TEXT_FLAGS).map(([name, help]) => line(name, help)),
    ...numbers,
  ].join('\n');
}
