/** What somebody asks of the spikes of all runs, as the URL of the page and the API both hold it. */
import { ENDING_OPTIONS } from './recovery-words';
import { stageLabel } from '../stages/stage-label';
import { STAGE_NAMES } from '../../contract/stages';

const QUESTION_VIEWS = ['spikes', 'stages', 'recurring'] as const;
export type QuestionView = (typeof QUESTION_VIEWS)[number];

/** The parameters that the page and `GET /spikes`, `/stages` or `/recurring-batches` share. */
const QUESTION_FIELDS = {
  spikes: [
    ...['q', 'project', 'tags', 'config', 'kind', 'recovery', 'verdict', 'layer', 'minLead'],
    ...['stage', 'stageLayer', 'from', 'to', 'groupBy', 'sizes', 'sort'],
  ],
  stages: ['q', 'project', 'tags', 'config', 'layer', 'stage', 'groupBy'],
  recurring: ['q', 'project', 'tags', 'config', 'kind', 'by', 'within'],
} as const satisfies Readonly<Record<QuestionView, readonly string[]>>;

/** Parameters of one view may mean nothing in another: its own are kept under its name. */
const OWN_TO_VIEW: readonly string[] = ['groupBy', 'kind', 'stage'];

/** The name in the page's URL of a parameter of the API. */
export function urlName(view: QuestionView, field: string): string {
  return view !== 'spikes' && OWN_TO_VIEW.includes(field) ? `${view}.${field}` : field;
}

export function readQuestionView(parameters: URLSearchParams): QuestionView {
  return QUESTION_VIEWS.find((view) => view === parameters.get('view')) ?? 'spikes';
}

/** The query of the API; what is empty is left out. */
export function toApiQuery(
  view: QuestionView,
  parameters: URLSearchParams,
): Record<string, string | null> {
  return Object.fromEntries(
    QUESTION_FIELDS[view].map((field) => {
      const value = (parameters.get(urlName(view, field)) ?? '').trim();
      return [field, value === '' ? null : value];
    }),
  );
}

/** Everything that narrows or groups, taken back; which view it was stays. */
export const NO_QUESTION: Readonly<Record<string, null>> = Object.fromEntries(
  QUESTION_VIEWS.flatMap((view) =>
    QUESTION_FIELDS[view].map((field) => [urlName(view, field), null]),
  ),
);

export function isAsking(view: QuestionView, parameters: URLSearchParams): boolean {
  return Object.entries(toApiQuery(view, parameters)).some(
    ([field, value]) => value !== null && field !== 'groupBy' && field !== 'sort',
  );
}

interface Choice {
  readonly value: string;
  readonly label: string;
}

export const KIND_CHOICES: readonly Choice[] = [
  { value: '', label: 'Loss spikes and divergences' },
  { value: 'loss_spike', label: 'Loss spikes' },
  { value: 'divergence', label: 'Divergences' },
  { value: 'outlier_batch', label: 'Outlier batches' },
  { value: 'loss_spike,divergence,outlier_batch', label: 'These three' },
  { value: 'rms_spike', label: 'RMS spikes' },
];

export const RECURRING_KIND_CHOICES: readonly Choice[] = [
  { value: '', label: 'Outlier batches and spikes' },
  { value: 'outlier_batch', label: 'Outlier batches' },
  { value: 'loss_spike', label: 'Loss spikes' },
];

export const RECOVERY_CHOICES: readonly Choice[] = [
  { value: '', label: 'Any recovery' },
  ...ENDING_OPTIONS.map(([value, word]) => ({ value, label: capital(word) })),
];

export const STAGE_CHOICES: readonly Choice[] = STAGE_NAMES.filter(
  (name) => name !== 'insufficient_data',
).map((name) => ({ value: name, label: stageLabel(name).word }));

export const GROUP_CHOICES: readonly Choice[] = [
  { value: '', label: 'No groups' },
  { value: 'model_size', label: 'By model size' },
  { value: 'beta2', label: 'By β₂' },
  { value: 'epsilon', label: 'By ε' },
  { value: 'beta1', label: 'By β₁' },
  { value: 'optimizer', label: 'By optimizer' },
  { value: 'project', label: 'By project' },
  { value: 'mover_layer', label: 'By first mover' },
  { value: 'mover_kind', label: 'By the first mover’s kind' },
  { value: 'kind', label: 'By kind of spike' },
  { value: 'recovery', label: 'By recovery' },
];

export const SORT_CHOICES: readonly Choice[] = [
  { value: '', label: 'Newest run first' },
  { value: 'lead', label: 'Longest lead first' },
  { value: 'lost', label: 'Most lost steps first' },
];

const DAYS = [
  [1, 'Since yesterday'],
  [7, 'Last 7 days'],
  [30, 'Last 30 days'],
] as const;
const DAY_MS = 86_400_000;

/** From when on: midnights, so that the same choice is the same question all day; `chosen` stands among them. */
export function timeChoices(nowMs: number | null, chosen: string): readonly Choice[] {
  const today = nowMs === null ? null : Math.floor(nowMs / DAY_MS) * DAY_MS;
  const known =
    today === null
      ? []
      : DAYS.map(([days, label]) => ({
          value: new Date(today - days * DAY_MS).toISOString().replace('.000Z', 'Z'),
          label,
        }));
  const others = chosen === '' || known.some(({ value }) => value === chosen) ? [] : [chosen];
  return [
    { value: '', label: 'Any time' },
    ...known,
    ...others.map((value) => ({ value, label: `Since ${value.slice(0, 10)}` })),
  ];
}

export interface ExampleQuestion {
  readonly words: string;
  /** Of the page's URL. */
  readonly patch: Readonly<Record<string, string>>;
}

/** What the page offers to who does not know what to ask. */
export const EXAMPLE_QUESTIONS: readonly ExampleQuestion[] = [
  {
    words: 'Spikes where an embedding moved 5 steps or more before the loss',
    patch: { layer: '/emb|wte|wpe/i', minLead: '5' },
  },
  { words: 'Do larger models spike more often?', patch: { groupBy: 'model_size' } },
  { words: 'Does β₂ matter?', patch: { groupBy: 'beta2' } },
  { words: 'Which layers move first?', patch: { groupBy: 'mover_layer' } },
  {
    words: 'Spikes that began with a layer armed',
    patch: { stage: 'armed' },
  },
];

/** What groups are called at the head of their column. */
export function groupHeading(groupBy: string): string {
  if (groupBy.startsWith('config.')) return groupBy.slice('config.'.length);
  const known = GROUP_CHOICES.find(({ value }) => value === groupBy);
  return known === undefined ? groupBy : capital(known.label.replace(/^By (the )?/, ''));
}

/** Greek letters are names and stay as they are. */
function capital(word: string): string {
  return word.replace(/^[a-z]/, (letter) => letter.toUpperCase());
}

/** A fault that the server found, without the name of the field that it names. */
export function describeFault(message: string): {
  readonly field: string | null;
  readonly text: string;
} {
  const at = /^([a-zA-Z]+)(?:\.\d+)?: /.exec(message);
  const text = at === null ? message : message.slice(at[0].length);
  return {
    field: at?.[1] ?? null,
    text: text.replace(/^.*invalid regular expression: /, 'no regular expression: '),
  };
}
