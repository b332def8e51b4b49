/** One remedy, judged for one run. */
export interface Mitigation {
  readonly key: string;
  readonly title: string;
  /** `unknown`: the run lacks what would tell. */
  readonly standing: 'offered' | 'not_now' | 'unknown';
  /** Why, with numbers; without a full stop at its end. */
  readonly reason: string;
  readonly caveat: string;
}

const STANDINGS = ['offered', 'unknown', 'not_now'] as const;

/** What is offered first, then what cannot be told, then what does not fit. */
export function orderByStanding(all: readonly Mitigation[]): Mitigation[] {
  return STANDINGS.flatMap((standing) => all.filter((remedy) => remedy.standing === standing));
}
