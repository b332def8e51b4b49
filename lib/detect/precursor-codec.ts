/** What led a spike on a tape; `write` and `read` in the same order. */
import { LOSS_EVENT_KINDS } from './loss-event';
import { type FirstMover, MOVER_METRICS } from './mover-log';
import type { NormLead } from './norm-watch';
import type { TapeReader, TapeWriter } from './number-tape';
import type { HeldPrecursor, Precursor } from './precursor';

const KINDS = [...LOSS_EVENT_KINDS, 'rms_spike'] as const;
const VERDICTS = ['precursor_found', 'no_precursor', 'insufficient_data'] as const;

export function writePrecursor(tape: TapeWriter, held: HeldPrecursor): void {
  const { firstMovers, gradientNorm, verdict, chance, quietSteps } = held.precursor;
  tape.choice(KINDS, held.kind);
  tape.number(held.openedStep);
  tape.number(held.riseStep);
  tape.list(firstMovers, ({ layer, metric, step, leadSteps, z }) => {
    tape.number(layer);
    tape.choice(MOVER_METRICS, metric);
    tape.number(step);
    tape.number(leadSteps);
    tape.optional(z, (known) => {
      tape.number(known);
    });
  });
  tape.optional(gradientNorm, ({ step, leadSteps, z }) => {
    tape.number(step);
    tape.number(leadSteps);
    tape.number(z);
  });
  tape.choice(VERDICTS, verdict);
  tape.optional(chance, (known) => {
    tape.number(known);
  });
  tape.number(quietSteps);
}

export function readPrecursor(tape: TapeReader): HeldPrecursor {
  return {
    kind: tape.choice(KINDS),
    openedStep: tape.number(),
    riseStep: tape.number(),
    precursor: readFound(tape),
  };
}

function readFound(tape: TapeReader): Precursor {
  return {
    firstMovers: tape.list((): FirstMover => ({
      layer: tape.number(),
      metric: tape.choice(MOVER_METRICS),
      step: tape.number(),
      leadSteps: tape.number(),
      z: tape.optional(tape.number),
    })),
    gradientNorm: tape.optional((): NormLead => ({
      step: tape.number(),
      leadSteps: tape.number(),
      z: tape.number(),
    })),
    verdict: tape.choice(VERDICTS),
    chance: tape.optional(tape.number),
    quietSteps: tape.number(),
  };
}
