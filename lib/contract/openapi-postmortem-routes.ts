import { z } from 'zod';
import {
  createNoteSchema,
  deleteNoteReplySchema,
  noteHistoryReplySchema,
  noteParamsSchema,
  noteSchema,
  notesQuerySchema,
  notesReplySchema,
  patchNoteSchema,
  type Note,
} from './notes';
import {
  JSON_TYPE,
  RUN,
  json,
  ok,
  type ReplyDescription,
  type RouteDescription,
} from './openapi-route';
import { postmortemSchema, reportQuerySchema, spikeParamsSchema } from './postmortem';
import { projectParamsSchema } from './projects';
import { distributionsReplySchema, runParamsSchema } from './reads';
import { projectReportQuerySchema, projectReportSchema, runReportSchema } from './reports';

const EXAMPLE: Note = {
  id: 'what-we-did',
  spikeId: '1-loss_spike-120012',
  layer: null,
  fromStep: 120_012,
  toStep: null,
  attempt: 1,
  markdown: 'Rewound to **119,000**, skipped 300 batches. It did not come back.',
  author: 'ada',
  editor: 'ada',
  createdAt: '2026-01-04T03:12:00.000Z',
  updatedAt: '2026-01-04T03:12:00.000Z',
  revision: 1,
};

const SPIKE_REPORT = z.object({
  postmortem: postmortemSchema,
  /** Of the first movers: before, at and after. */
  distributions: z.array(
    distributionsReplySchema
      .pick({ items: true, referenceCurves: true })
      .extend({ layer: z.int() }),
  ),
});

function reportReply(schema: z.ZodType): ReplyDescription {
  return {
    status: 200,
    description: 'The report.',
    bodies: [
      { mediaType: 'text/html', schema: null },
      { mediaType: 'text/markdown', schema: null },
      { mediaType: JSON_TYPE, schema },
    ],
  };
}

/** What is said of a spike afterwards, by the product and by people. */
export const POSTMORTEM_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'readPostmortem',
    method: 'get',
    path: `${RUN}/spikes/{spikeId}/postmortem`,
    tag: 'Read',
    scope: 'read',
    summary: 'What happened at a spike, what moved first, what can be done',
    description:
      'Facts and sentences; every sentence names the stored numbers that it was made from. It says what came ' +
      'before and with the spike, with the odds of finding that by chance, and never what caused it.',
    params: spikeParamsSchema,
    replies: [ok(postmortemSchema, 'The postmortem as of now.')],
    errors: ['run_not_found', 'spike_not_found'],
  },
  {
    operationId: 'readSpikeReport',
    method: 'get',
    path: `${RUN}/spikes/{spikeId}/report`,
    tag: 'Read',
    scope: 'read',
    summary: 'A postmortem as a file',
    description:
      'One HTML file with its pictures in it that loads nothing, Markdown, or JSON with u and r of the first ' +
      'movers before, at and after.',
    params: spikeParamsSchema,
    query: reportQuerySchema,
    replies: [reportReply(SPIKE_REPORT)],
    errors: ['run_not_found', 'spike_not_found', 'invalid_query'],
  },
  {
    operationId: 'readRunReport',
    method: 'get',
    path: `${RUN}/report`,
    tag: 'Read',
    scope: 'read',
    summary: 'A run as a file',
    description: 'Its loss, its spikes with what is said of each, restarts, events and notes.',
    params: runParamsSchema,
    query: reportQuerySchema,
    replies: [reportReply(runReportSchema)],
    errors: ['run_not_found', 'invalid_query'],
  },
  {
    operationId: 'readProjectReport',
    method: 'get',
    path: '/api/v1/projects/{name}/report',
    tag: 'Read',
    scope: 'read',
    summary: 'A week of a project as a file',
    description:
      'Spikes, steps trained again, time to recover and the precision of warnings, by the clock of the jobs ' +
      'where they send it.',
    params: projectParamsSchema,
    query: projectReportQuerySchema,
    replies: [reportReply(projectReportSchema)],
    errors: ['project_not_found', 'invalid_query'],
  },
  {
    operationId: 'listNotes',
    method: 'get',
    path: `${RUN}/notes`,
    tag: 'Read',
    scope: 'read',
    summary: 'What people wrote about a run',
    description:
      'The oldest first; of one spike, one layer or a range of steps where those are named.',
    params: runParamsSchema,
    query: notesQuerySchema,
    replies: [ok(notesReplySchema, 'The notes.', { items: [{ ...EXAMPLE }] })],
    errors: ['run_not_found', 'invalid_query'],
  },
  {
    operationId: 'readNoteHistory',
    method: 'get',
    path: `${RUN}/notes/{noteId}/history`,
    tag: 'Read',
    scope: 'read',
    summary: 'All that a note ever said',
    description: 'The newest revision first; of a deleted note too.',
    params: noteParamsSchema,
    replies: [ok(noteHistoryReplySchema, 'Its revisions.')],
    errors: ['run_not_found', 'note_not_found'],
  },
  {
    operationId: 'createNote',
    method: 'post',
    path: `${RUN}/notes`,
    tag: 'Write',
    scope: 'ingest',
    summary: 'Write down what was found',
    description:
      'Markdown about a spike, a layer or steps. A note at a spike stands at its onset unless it says where. ' +
      'With an id, the same post again is the same note.',
    params: runParamsSchema,
    body: json(createNoteSchema, {
      markdown: EXAMPLE.markdown,
      author: EXAMPLE.author,
      spikeId: '1-loss_spike-120012',
    }),
    replies: [
      {
        status: 201,
        description: 'The note is kept.',
        bodies: [{ mediaType: JSON_TYPE, schema: noteSchema, example: { ...EXAMPLE } }],
      },
      ok(noteSchema, 'A note of this id was there.'),
    ],
    errors: [
      'run_not_found',
      'spike_not_found',
      'layer_not_found',
      'attempt_not_found',
      'invalid_body',
    ],
  },
  {
    operationId: 'changeNote',
    method: 'patch',
    path: `${RUN}/notes/{noteId}`,
    tag: 'Write',
    scope: 'ingest',
    summary: 'Change a note',
    description: 'What it said before stays in its history.',
    params: noteParamsSchema,
    body: json(patchNoteSchema, { markdown: 'It came back at 121,400.', author: 'grace' }),
    replies: [ok(noteSchema, 'The note as it is now.')],
    errors: ['run_not_found', 'note_not_found', 'invalid_body'],
  },
  {
    operationId: 'deleteNote',
    method: 'delete',
    path: `${RUN}/notes/{noteId}`,
    tag: 'Write',
    scope: 'ingest',
    summary: 'Delete a note',
    description: 'It leaves all lists and reports; its history can still be read.',
    params: noteParamsSchema,
    replies: [ok(deleteNoteReplySchema, 'The note is gone.')],
    errors: ['run_not_found', 'note_not_found'],
  },
];
