import { spawn } from 'node:child_process';

/** A command's output is shown only when it fails; this much of its end tells what went wrong. */
const KEPT_OUTPUT_CHARS = 16_000;
/** Without a terminal there is no line to redraw: a long step says that it lives this often. */
const HEARTBEAT_MS = 15_000;
const REDRAW_MS = 250;

const running = new Set();
// A launcher that ends, for whatever reason it can notice, takes its commands with it.
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

const seconds = (fromMs) => {
  const elapsed = (performance.now() - fromMs) / 1000;
  return elapsed < 10 ? `${elapsed.toFixed(1)} s` : `${Math.round(elapsed)} s`;
};

/** @type {string | null} */
let whyForbidden = null;

/** From now on a step that would have to be run fails with these words instead. */
export function forbidSteps(why) {
  whyForbidden = why;
}

/**
 * Runs one step and says so in one line: "Installing packages … 23 s". On a terminal
 * the line counts while the work goes on.
 */
export async function runStep(label, work, stream = process.stderr) {
  if (whyForbidden !== null) throw new PreparationError(`${label}: ${whyForbidden}`);
  const startedAt = performance.now();
  const isTerminal = stream.isTTY === true;
  const draw = () => stream.write(`\r${label} … ${seconds(startedAt)} `);
  if (isTerminal) draw();
  const timer = isTerminal
    ? setInterval(draw, REDRAW_MS)
    : setInterval(
        () => stream.write(`${label} … still at it, ${seconds(startedAt)}\n`),
        HEARTBEAT_MS,
      );
  let outcome = 'failed after ';
  try {
    const result = await work();
    outcome = '';
    return result;
  } finally {
    clearInterval(timer);
    stream.write(`${isTerminal ? '\r' : ''}${label} … ${outcome}${seconds(startedAt)} \n`);
  }
}

/** A command that failed; the message is meant to be printed as it is, without a stack. */
export class PreparationError extends Error {}

/** Runs a command quietly. Rejects with the end of its output when it fails. */
export function runCommand(command, args, { cwd, env = process.env, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(command, args, { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT_CHARS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => {
      running.delete(child);
      reject(new PreparationError(`${command} could not be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      if (code === 0) return resolve(output);
      const ending = signal === null ? `exit code ${code}` : `signal ${signal}`;
      reject(
        new PreparationError(
          `${[command, ...args].join(' ')} failed (${ending}):\n\n${output.trim()}`,
        ),
      );
    });
  });
}
