import { parseArgs } from 'node:util';
import type { Environment } from '../../../../lib/config/config';
import { readServerAddress } from '../server-address';
import { UsageError } from '../usage-error';
import type { Pace } from './import-recording';
import { nameOfRecording } from './read-recording';

export interface ImportOptions {
  readonly file: string;
  readonly url: string;
  readonly token: string | undefined;
  readonly project: string;
  readonly id: string;
  readonly name: string;
  readonly pace: Pace;
}

export const IMPORT_USAGE = `Imports a recorded run: JSON lines or a CSV log, plain or .gz.

  npm run import -- FILE [options]

  --url URL      where Spikescope answers (SPIKESCOPE_URL, else http://127.0.0.1:3000)
  --token TOKEN  of scope admin, where tokens are required (SPIKESCOPE_TOKEN)
  --project P    project of the run (imported)
  --id ID        id of the run (the file's name)
  --name NAME    name of the run (its id)
  --speed N      replay N steps a second instead of all at once
  --live         replay at the recorded pace
  --help         this text

docs/import.md says how fields become metrics.`;

/** Throws  UsageError naming the option or variable and what it takes */
export function parseImportOptions(
  args: readonly string[],
  environment: Environment,
): ImportOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help === true) return 'help';
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) {
    throw new UsageError(`expected one file, got ${positionals.length}`);
  }
  const id = values.id ?? runIdOf(nameOfRecording(file));
  return {
    file,
    ...readServerAddress(values, environment),
    project: values.project ?? 'imported',
    id,
    name: values.name ?? id,
    pace: readPace(values.speed, values.live === true),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        token: { type: 'string' },
        project: { type: 'string' },
        id: { type: 'string' },
        name: { type: 'string' },
        speed: { type: 'string' },
        live: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readPace(speed: string | undefined, isLive: boolean): Pace {
  if (speed === undefined) return isLive ? { kind: 'recorded' } : { kind: 'unlimited' };
  if (isLive) throw new UsageError('--speed and --live: expected one of them');
  const stepsPerSecond = Number(speed.replace(/\s*steps\/s$/, ''));
  if (!(stepsPerSecond > 0) || !Number.isFinite(stepsPerSecond)) {
    throw new UsageError(`--speed: expected steps a second above 0, got ${JSON.stringify(speed)}`);
  }
  return { kind: 'steps_per_second', stepsPerSecond };
}

/** The contract's letters; anything else in a file's name becomes a dash. */
function runIdOf(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 128) || 'recording';
}
