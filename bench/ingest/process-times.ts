/** Processor time by part, from Linux's /proc; elsewhere there is none and nothing is said. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';

/** USER_HZ, which is 100 on every Linux that people run. */
const TICKS_PER_SECOND = 100;

export type ProcessTimes = ReadonlyMap<string, number>;

interface Stat {
  readonly parent: number;
  readonly seconds: number;
  /** Of children that have ended and were waited for. */
  readonly endedChildrenSeconds: number;
}

function readStat(file: string): Stat | null {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    // Ended between the listing and the reading.
    return null;
  }
  // The name, in parentheses, may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = (index: number): number => Number(fields[index] ?? 0) / TICKS_PER_SECOND;
  return {
    parent: Number(fields[1]),
    seconds: ticks(11) + ticks(12),
    endedChildrenSeconds: ticks(13) + ticks(14),
  };
}

export interface PartsToTime {
  readonly nodes: Readonly<Record<string, number>>;
  readonly postgres: number;
  /** What the connections of PostgreSQL are for, by process id. */
  readonly connections: ReadonlyMap<number, string>;
}

/** Seconds of processor time that each part has used so far. */
export function readProcessTimes({ nodes, postgres, connections }: PartsToTime): ProcessTimes {
  const times = new Map<string, number>();
  if (!existsSync('/proc/self/stat')) return times;
  const add = (name: string, seconds: number): void => {
    times.set(name, (times.get(name) ?? 0) + seconds);
  };
  for (const [name, pid] of Object.entries(nodes)) {
    const threads = readdirSync(`/proc/${pid}/task`);
    for (const thread of threads) {
      const stat = readStat(`/proc/${pid}/task/${thread}/stat`);
      if (stat === null) continue;
      add(Number(thread) === pid ? `${name}, main thread` : `${name}, other threads`, stat.seconds);
    }
  }
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(`/proc/${entry}/stat`);
    if (stat === null) continue;
    const pid = Number(entry);
    if (pid === postgres) add('postgres, ended processes', stat.endedChildrenSeconds);
    if (stat.parent !== postgres) continue;
    add(`postgres, ${connections.get(pid) ?? nameOfBackground(pid)}`, stat.seconds);
  }
  return times;
}

/** "postgres: checkpointer" and the like, from the title that PostgreSQL gives its processes. */
function nameOfBackground(pid: number): string {
  try {
    const title = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
    // The title of what vacuums ends with the database's name.
    return /^postgres: (autovacuum worker|[a-z ]+?(?= *$))/.exec(title)?.[1] ?? 'other connections';
  } catch {
    return 'other connections';
  }
}

/** Seconds that all processors together were busy, and that they had nothing to do but wait for disks. */
export function readMachineTimes(): { readonly busy: number; readonly waiting: number } {
  if (!existsSync('/proc/stat')) return { busy: NaN, waiting: NaN };
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1);
  const [user = 0, niced = 0, system = 0, , waiting = 0, interrupts = 0, soft = 0] = line
    .replace(/^cpu +/, '')
    .split(' ')
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  return { busy: user + niced + system + interrupts + soft, waiting };
}

/**
 * Microseconds of processor time a step, by part, the largest first, and their sum. Where
 * others use the machine too, this says what a quiet one could do.
 */
export function describeTimes(before: ProcessTimes, after: ProcessTimes, steps: number): string {
  const parts = Array.from(after, ([name, seconds]): [string, number] => [
    name,
    ((seconds - (before.get(name) ?? 0)) * 1e6) / steps,
  ]).sort(([, a], [, b]) => b - a);
  const sum = parts.reduce((total, [, time]) => total + time, 0);
  const large = parts.filter(([, time]) => time >= sum / 100);
  return `${sum.toFixed(0)} µs a step: ${large.map(([name, time]) => `${time.toFixed(0)} ${name}`).join(' · ')}`;
}
