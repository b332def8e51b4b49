import { binomialTail } from './binomial-tail';

/** A run by the steps that it trained, both inclusive, and those on which something happened. */
export interface StepsOfRun {
  readonly fromStep: number;
  readonly toStep: number;
  readonly eventSteps: readonly number[];
}

/** Steps at most `within` apart on which runs have an event. */
export interface SharedPlace {
  readonly fromStep: number;
  readonly toStep: number;
  /** Indices of the runs, ascending. */
  readonly runs: readonly number[];
  /** Runs that trained past the place. */
  readonly watchedCount: number;
  /** P(as many or more of the others have an event here too), were events anywhere. */
  readonly tail: number;
  /** The tail times the places that were looked at. */
  readonly expected: number;
}

export interface SharedSteps {
  /** Of each run the share of its steps within `within` of one of its events. */
  readonly shares: readonly number[];
  /** Places with an event of any run. */
  readonly placeCount: number;
  /** Pairs of runs with an event at one place, and how many of them chance makes. */
  readonly pairCount: number;
  readonly expectedPairs: number;
  /** Places of two runs or more, the smallest tail first. */
  readonly places: readonly SharedPlace[];
}

/**
 * Whether runs that read the same data in the same order stumble over the same steps.
 *
 * A place begins at the earliest event that is in none and takes those up to `within` steps
 * later. Were events anywhere, run i would have one within ±within of a given step with
 * pᵢ, its share; given one of c runs at a place that m trained past, c−1 or more of the
 * other m−1 have one too with the binomial tail of the mean pᵢ of the m. The window of the
 * chance reaches both ways and a place one, so the odds err on the careful side. Of a pair,
 * chance makes Σ nᵢ·pⱼ, nᵢ the places of i that j trained past.
 *
 * Empty   no run, or no event: no place
 * Cost    O(e log e) in events, and O(runs²) for the pairs
 */
export function findSharedSteps(runs: readonly StepsOfRun[], within: number): SharedSteps {
  const shares = runs.map((run) => shareOf(run, within));
  const found = findPlaces(runs, within);
  const shared = found.filter((place) => place.runs.length >= 2);
  const places = shared.map((place): SharedPlace => {
    const watching = runs.flatMap(({ fromStep, toStep }, index) =>
      // An event is proof enough that a run was there.
      (fromStep <= place.toStep && place.fromStep <= toStep) || place.runs.includes(index)
        ? [index]
        : [],
    );
    const mean = watching.reduce((sum, index) => sum + (shares[index] ?? 0), 0) / watching.length;
    const tail = binomialTail(place.runs.length - 1, watching.length - 1, mean);
    return { ...place, watchedCount: watching.length, tail, expected: tail * found.length };
  });
  return {
    shares,
    placeCount: found.length,
    pairCount: shared.reduce((sum, place) => sum + pairs(place.runs.length), 0),
    expectedPairs: expectedPairs(runs, shares, found),
    places: places.sort((a, b) => a.tail - b.tail || a.fromStep - b.fromStep),
  };
}

const pairs = (count: number): number => (count * (count - 1)) / 2;

function shareOf({ fromStep, toStep, eventSteps }: StepsOfRun, within: number): number {
  let covered = 0;
  let coveredTo = fromStep - 1;
  for (const step of [...eventSteps].sort((a, b) => a - b)) {
    const first = Math.max(step - within, coveredTo + 1);
    const last = Math.min(step + within, toStep);
    if (last < first) continue;
    covered += last - first + 1;
    coveredTo = last;
  }
  const steps = toStep - fromStep + 1;
  return steps <= 0 ? 0 : covered / steps;
}

interface Place {
  readonly fromStep: number;
  readonly toStep: number;
  readonly runs: readonly number[];
}

function findPlaces(runs: readonly StepsOfRun[], within: number): Place[] {
  const events = runs
    .flatMap(({ eventSteps }, run) => eventSteps.map((step) => ({ step, run })))
    .sort((a, b) => a.step - b.step);
  const places: { fromStep: number; toStep: number; members: Set<number> }[] = [];
  for (const { step, run } of events) {
    const open = places.at(-1);
    if (open === undefined || step - open.fromStep > within) {
      places.push({ fromStep: step, toStep: step, members: new Set([run]) });
    } else {
      open.toStep = step;
      open.members.add(run);
    }
  }
  return places.map(({ fromStep, toStep, members }) => ({
    ...{ fromStep, toStep },
    runs: [...members].sort((a, b) => a - b),
  }));
}

function expectedPairs(
  runs: readonly StepsOfRun[],
  shares: readonly number[],
  places: readonly Place[],
): number {
  let sum = 0;
  for (const place of places) {
    for (const run of place.runs) {
      for (let other = run + 1; other < runs.length; other++) {
        const { fromStep, toStep } = runs[other] ?? { fromStep: 1, toStep: 0 };
        if (fromStep <= place.toStep && place.fromStep <= toStep) sum += shares[other] ?? 0;
      }
    }
  }
  return sum;
}
