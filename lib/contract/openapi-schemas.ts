import { z } from 'zod';
import {
  alertBacktestReplySchema,
  alertConditionSchema,
  alertRuleDraftSchema,
  alertRuleSchema,
  alertRulesReplySchema,
  patchAlertRuleSchema,
} from './alert-rules';
import {
  channelSchema,
  channelTargetSchema,
  channelTestReplySchema,
  channelsReplySchema,
  createChannelReplySchema,
  createChannelSchema,
  deliveriesReplySchema,
  deliverySchema,
  patchChannelSchema,
} from './alert-channels';
import { STATUS_OF_CODE } from './app-error';
import { jsonFrameSchema, jsonHistogramSchema } from './frames-json';
import { incidentSchema, incidentsReplySchema } from './incidents';
import { createJobSchema, jobSchema, jobsReplySchema } from './jobs';
import { leadLagReplySchema, leadLagSchema } from './lead-lag';
import { layerSamplesReplySchema, sampleStepsReplySchema } from './layer-samples';
import {
  createNoteSchema,
  noteHistoryReplySchema,
  noteRevisionSchema,
  noteSchema,
  notesReplySchema,
  patchNoteSchema,
} from './notes';
import { postedFramesSchema } from './openapi-frames';
import {
  attemptCourseSchema,
  changeSchema,
  evidenceSchema,
  postmortemMoverSchema,
  postmortemSchema,
  remedySchema,
  restartCheckSchema,
  rewindSchema,
  sentenceSchema,
  skipSchema,
} from './postmortem';
import {
  bucketSchema,
  distributionSchema,
  distributionsReplySchema,
  eventsReplySchema,
  firstMoverSchema,
  globalMoverSchema,
  heatmapReplySchema,
  projectsReplySchema,
  reevaluationSchema,
  referenceCurvesSchema,
  runsReplySchema,
  seriesReplySchema,
  spikeSchema,
  spikesReplySchema,
  stageIntervalSchema,
  stagesReplySchema,
  tagsReplySchema,
  timelineReplySchema,
} from './reads';
import {
  batchEventSchema,
  dataOrderSchema,
  recurringBatchesReplySchema,
  recurringBatchSchema,
} from './recurring-batches';
import { projectReportSchema, runReportSchema, warningPrecisionSchema } from './reports';
import {
  attemptSchema,
  createEventSchema,
  createRunReplySchema,
  createRunSchema,
  finishRunSchema,
  framesReplySchema,
  layerSchema,
  optimizerSchema,
  patchRunSchema,
  runEventSchema,
  runMetricsSchema,
  runSchema,
  runSettingsSchema,
  runSummarySchema,
} from './runs';
import {
  foundSpikeSchema,
  searchMoverSchema,
  spikeCountsSchema,
  spikeGroupSchema,
  spikeSearchReplySchema,
} from './spike-search';
import { reachedStageSchema, stageSearchReplySchema } from './stage-search';
import { projectPolicyReplySchema, putProjectPolicySchema } from './project-policy';
import { gapsReplySchema, retentionReplySchema } from './retention';
import { warningSchema, warningsReplySchema } from './warnings';

export type Json = z.infer<ReturnType<typeof z.json>>;
export type JsonObject = Readonly<Record<string, Json>>;

/** The body of every failed reply, as `toErrorReply` writes it. */
export const errorReplySchema = z.object({
  error: z.object({
    /** Stable; programs branch on it and never on the message. */
    code: z.enum(Object.keys(STATUS_OF_CODE)),
    message: z.string(),
    details: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  }),
});

/** Every schema with a name of its own in the published document. */
const NAMED_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  Error: errorReplySchema,
  Optimizer: optimizerSchema,
  Layer: layerSchema,
  CreateRun: createRunSchema,
  CreateRunReply: createRunReplySchema,
  PatchRun: patchRunSchema,
  FinishRun: finishRunSchema,
  CreateEvent: createEventSchema,
  RunEvent: runEventSchema,
  Histogram: jsonHistogramSchema,
  Frame: jsonFrameSchema,
  Frames: postedFramesSchema,
  FramesReply: framesReplySchema,
  Attempt: attemptSchema,
  RunSummary: runSummarySchema,
  Run: runSchema,
  RunMetrics: runMetricsSchema,
  RunSettings: runSettingsSchema,
  RunsReply: runsReplySchema,
  ProjectsReply: projectsReplySchema,
  TagsReply: tagsReplySchema,
  Bucket: bucketSchema,
  TimelineReply: timelineReplySchema,
  HeatmapReply: heatmapReplySchema,
  SeriesReply: seriesReplySchema,
  Distribution: distributionSchema,
  ReferenceCurves: referenceCurvesSchema,
  DistributionsReply: distributionsReplySchema,
  FirstMover: firstMoverSchema,
  GlobalMover: globalMoverSchema,
  Reevaluation: reevaluationSchema,
  Spike: spikeSchema,
  SpikesReply: spikesReplySchema,
  StageInterval: stageIntervalSchema,
  StagesReply: stagesReplySchema,
  EventsReply: eventsReplySchema,
  Warning: warningSchema,
  WarningsReply: warningsReplySchema,
  LeadLag: leadLagSchema,
  LeadLagReply: leadLagReplySchema,
  SampleStepsReply: sampleStepsReplySchema,
  LayerSamplesReply: layerSamplesReplySchema,
  RunReport: runReportSchema,
  ProjectReport: projectReportSchema,
  WarningPrecision: warningPrecisionSchema,
  CreateNote: createNoteSchema,
  PatchNote: patchNoteSchema,
  Note: noteSchema,
  NotesReply: notesReplySchema,
  NoteRevision: noteRevisionSchema,
  NoteHistoryReply: noteHistoryReplySchema,
  Evidence: evidenceSchema,
  Sentence: sentenceSchema,
  PostmortemMover: postmortemMoverSchema,
  AttemptCourse: attemptCourseSchema,
  Change: changeSchema,
  Remedy: remedySchema,
  Rewind: rewindSchema,
  Skip: skipSchema,
  RestartCheck: restartCheckSchema,
  Postmortem: postmortemSchema,
  CreateJob: createJobSchema,
  Job: jobSchema,
  JobsReply: jobsReplySchema,
  ProjectPolicy: projectPolicyReplySchema,
  PutProjectPolicy: putProjectPolicySchema,
  GapsReply: gapsReplySchema,
  RetentionReply: retentionReplySchema,
  AlertChannel: channelSchema,
  AlertChannelTarget: channelTargetSchema,
  AlertChannelsReply: channelsReplySchema,
  AlertChannelTestReply: channelTestReplySchema,
  CreateAlertChannel: createChannelSchema,
  CreateAlertChannelReply: createChannelReplySchema,
  PatchAlertChannel: patchChannelSchema,
  AlertDelivery: deliverySchema,
  AlertDeliveriesReply: deliveriesReplySchema,
  AlertRule: alertRuleSchema,
  AlertRuleDraft: alertRuleDraftSchema,
  PatchAlertRule: patchAlertRuleSchema,
  AlertCondition: alertConditionSchema,
  AlertRulesReply: alertRulesReplySchema,
  Incident: incidentSchema,
  IncidentsReply: incidentsReplySchema,
  AlertBacktestReply: alertBacktestReplySchema,
  SpikeSearchReply: spikeSearchReplySchema,
  FoundSpike: foundSpikeSchema,
  SearchMover: searchMoverSchema,
  SpikeCounts: spikeCountsSchema,
  SpikeGroup: spikeGroupSchema,
  StageSearchReply: stageSearchReplySchema,
  ReachedStage: reachedStageSchema,
  RecurringBatchesReply: recurringBatchesReplySchema,
  RecurringBatch: recurringBatchSchema,
  BatchEvent: batchEventSchema,
  DataOrder: dataOrderSchema,
};

const SCHEMA_PATH = '#/components/schemas/';
const nameOfSchema = new Map(Object.entries(NAMED_SCHEMAS).map(([name, schema]) => [schema, name]));

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What zod prints, made readable: the bounds of "any safe integer", the regular
 * expression behind `date-time` and the recursion of "any JSON value" say nothing to a
 * person, and `anyOf [X, null]` is a type with null in OpenAPI 3.1.
 */
function tidy(value: Json): Json {
  if (Array.isArray(value)) return value.map(tidy);
  if (!isJsonObject(value)) return value;
  const reference = value['$ref'];
  if (typeof reference === 'string' && reference.includes('__shared')) {
    return { description: 'Any JSON value.' };
  }
  const entries = Object.entries(value).filter(
    ([key, entry]) =>
      key !== '$schema' &&
      key !== '$id' &&
      key !== 'propertyNames' &&
      !(key === 'minimum' && entry === Number.MIN_SAFE_INTEGER) &&
      !(key === 'maximum' && entry === Number.MAX_SAFE_INTEGER) &&
      !(key === 'pattern' && value['format'] === 'date-time'),
  );
  return withNullType(Object.fromEntries(entries.map(([key, entry]) => [key, tidy(entry)])));
}

function withNullType(schema: JsonObject): JsonObject {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf) || anyOf.length !== 2) return schema;
  const [first, second] = anyOf;
  if (!isJsonObject(first) || !isJsonObject(second) || second['type'] !== 'null') return schema;
  const { type, enum: values } = first;
  if (typeof type !== 'string') return schema;
  const isListed = Array.isArray(values);
  return {
    ...rest,
    ...first,
    type: [type, 'null'],
    // An enum is all that there may be, null too.
    ...(isListed ? { enum: [...values, null] } : {}),
  };
}

function toJsonObject(value: unknown): JsonObject {
  const parsed = tidy(z.json().parse(value));
  if (!isJsonObject(parsed)) throw new Error('a JSON schema is an object');
  return parsed;
}

/** The named schemas, each reference among them a `$ref`. */
export function componentSchemas(): Readonly<Record<string, JsonObject>> {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of Object.entries(NAMED_SCHEMAS)) registry.add(schema, { id: name });
  // The input form on both sides: a reply's output form would forbid further
  // properties, and the contract promises that fields may be added.
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    uri: (id) => `${SCHEMA_PATH}${id}`,
  });
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => !name.startsWith('__'))
      .map(([name, schema]) => [name, toJsonObject(schema)]),
  );
}

/** `{$ref}` for a named schema, else the schema itself. */
export function schemaReference(schema: z.ZodType): JsonObject {
  const name = nameOfSchema.get(schema);
  if (name !== undefined) return { $ref: `${SCHEMA_PATH}${name}` };
  return toJsonObject(z.toJSONSchema(schema, { io: 'input' }));
}

export interface ParameterSchema {
  readonly name: string;
  readonly isRequired: boolean;
  readonly schema: JsonObject;
}

/**
 * The parameters of a query or path schema. Values arrive as text and are coerced, so
 * the type that a caller has to meet is that of the output, while "required" is what
 * the input cannot do without.
 */
export function parameterSchemas(schema: z.ZodType): readonly ParameterSchema[] {
  const input = toJsonObject(z.toJSONSchema(schema, { io: 'input' }));
  const output = toJsonObject(z.toJSONSchema(schema, { io: 'output' }));
  const required = Array.isArray(input['required']) ? input['required'] : [];
  const properties = isJsonObject(output['properties']) ? output['properties'] : {};
  return Object.entries(properties).map(([name, property]) => ({
    name,
    isRequired: required.includes(name),
    schema: isJsonObject(property) ? property : {},
  }));
}
