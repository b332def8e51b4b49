/**
 * The reads of the contract. Each route parses its query, is permitted, and answers what
 * lib/query reads.
 */
import { SAFETENSORS_MEDIA_TYPE } from '../../lib/contract/heatmap-columns';
import {
  distributionsQuerySchema,
  eventsQuerySchema,
  gapsQuerySchema,
  heatmapQuerySchema,
  runsQuerySchema,
  seriesQuerySchema,
  spikesQuerySchema,
  stagesQuerySchema,
  tagsQuerySchema,
  timelineQuerySchema,
} from '../../lib/contract/reads';
import { readDistributions } from '../../lib/query/read-distributions';
import { readEvents } from '../../lib/query/read-events';
import { readHeatmap } from '../../lib/query/read-heatmap';
import { readProjects } from '../../lib/query/read-projects';
import { readRun } from '../../lib/query/read-run';
import { readRunGaps } from '../../lib/query/read-run-gaps';
import { readRunMetrics } from '../../lib/query/read-run-metrics';
import { readRunSize } from '../../lib/query/read-run-size';
import { readRunSettings } from '../../lib/query/read-run-settings';
import { readRuns } from '../../lib/query/read-runs';
import { readSeriesColumns } from '../../lib/query/read-series';
import { readSpike } from '../../lib/query/read-spike';
import { readSpikes } from '../../lib/query/read-spikes';
import { readStages } from '../../lib/query/read-stages';
import { readTags } from '../../lib/query/read-tags';
import { readTimelineColumns } from '../../lib/query/read-timeline';
import type { Database } from '../../lib/store/database';
import { permitProject, visibleProject } from '../access/principal';
import { type Reply, bytes, jsonBytes, ok } from '../http/reply';
import type { Route } from '../http/router';
import { ALERT_READ_ROUTES } from './alert-reads';
import { seriesJson, timelineJson } from './bucket-json';
import { CHANNEL_READ_ROUTES } from './channel-reads';
import { EXPORT_ROUTES } from './export/export-route';
import { toHeatmapReply } from './heatmap-reply';
import { FINDING_READ_ROUTES } from './finding-reads';
import { JOB_READ_ROUTES } from './job-reads';
import { NOTE_READ_ROUTES } from './note-reads';
import { POSTMORTEM_READ_ROUTES } from './postmortem-reads';
import {
  type ReadHandler,
  type ReadRequest,
  accepts,
  parseQuery,
  permittedLayer,
  permittedRunId,
} from './read-request';
import { PROJECT_READ_ROUTES } from './project-reads';
import { SAMPLE_READ_ROUTES } from './sample-reads';
import { SEARCH_READ_ROUTES } from './search-reads';

export const READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/projects', handler: getProjects },
  { method: 'GET', path: '/api/v1/tags', handler: getTags },
  { method: 'GET', path: '/api/v1/runs', handler: getRuns },
  { method: 'GET', path: '/api/v1/runs/:id', handler: getRun },
  { method: 'GET', path: '/api/v1/runs/:id/settings', handler: getRunSettings },
  { method: 'GET', path: '/api/v1/runs/:id/metrics', handler: getRunMetrics },
  { method: 'GET', path: '/api/v1/runs/:id/size', handler: getRunSize },
  { method: 'GET', path: '/api/v1/runs/:id/gaps', handler: getRunGaps },
  { method: 'GET', path: '/api/v1/runs/:id/timeline', handler: getTimeline },
  { method: 'GET', path: '/api/v1/runs/:id/heatmap', handler: getHeatmap },
  { method: 'GET', path: '/api/v1/runs/:id/layers/:index/series', handler: getSeries },
  {
    method: 'GET',
    path: '/api/v1/runs/:id/layers/:index/distributions',
    handler: getDistributions,
  },
  { method: 'GET', path: '/api/v1/runs/:id/spikes', handler: getSpikes },
  { method: 'GET', path: '/api/v1/runs/:id/spikes/:spikeId', handler: getSpike },
  { method: 'GET', path: '/api/v1/runs/:id/stages', handler: getStages },
  { method: 'GET', path: '/api/v1/runs/:id/events', handler: getEvents },
  ...ALERT_READ_ROUTES,
  ...CHANNEL_READ_ROUTES,
  ...EXPORT_ROUTES,
  ...FINDING_READ_ROUTES,
  ...JOB_READ_ROUTES,
  ...NOTE_READ_ROUTES,
  ...POSTMORTEM_READ_ROUTES,
  ...PROJECT_READ_ROUTES,
  ...SAMPLE_READ_ROUTES,
  ...SEARCH_READ_ROUTES,
];

/** 200: the projects that may be seen. */
async function getProjects(db: Database, { principal }: ReadRequest): Promise<Reply> {
  const reply = await readProjects(db);
  const project = visibleProject(principal);
  if (project === null) return ok(reply);
  return ok({ ...reply, items: reply.items.filter((item) => item.name === project) });
}

/** 200 with the tags of runs that may be seen; 403 for another project than the token's; 422. */
async function getTags(db: Database, { query, principal }: ReadRequest): Promise<Reply> {
  const { project } = parseQuery(tagsQuerySchema, query);
  if (project !== undefined) permitProject(principal, project);
  return ok(await readTags(db, visibleProject(principal) ?? project));
}

/** 200 with a page of runs; 403 for another project than the token's; 422. */
async function getRuns(db: Database, { query, principal }: ReadRequest): Promise<Reply> {
  const parsed = parseQuery(runsQuerySchema, query);
  if (parsed.project !== undefined) permitProject(principal, parsed.project);
  const project = visibleProject(principal) ?? parsed.project;
  return ok(await readRuns(db, project === undefined ? parsed : { ...parsed, project }));
}

/** 200; 404 run_not_found. So do all below, and 422 for a query that does not parse. */
async function getRun(db: Database, request: ReadRequest): Promise<Reply> {
  return ok(await readRun(db, await permittedRunId(db, request)));
}

async function getRunSettings(db: Database, request: ReadRequest): Promise<Reply> {
  return ok(await readRunSettings(db, await permittedRunId(db, request)));
}

async function getRunMetrics(db: Database, request: ReadRequest): Promise<Reply> {
  return ok(await readRunMetrics(db, await permittedRunId(db, request)));
}

/** About a second of a run of a million steps. */
async function getRunSize(db: Database, request: ReadRequest): Promise<Reply> {
  return ok(await readRunSize(db, await permittedRunId(db, request), new Date()));
}

/** 200 with what a policy has let go; 404; 422. */
async function getRunGaps(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(gapsQuerySchema, request.query);
  return ok(await readRunGaps(db, await permittedRunId(db, request), query));
}

async function getTimeline(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(timelineQuerySchema, request.query);
  const runId = await permittedRunId(db, request);
  return jsonBytes(timelineJson(await readTimelineColumns(db, runId, query)));
}

/** As JSON, or as safetensors where that is accepted. */
async function getHeatmap(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(heatmapQuerySchema, request.query);
  const { bodies } = request;
  const columns = await readHeatmap(db, await permittedRunId(db, request), query, bodies);
  const giveBack = (): void => {
    if (columns.memory !== null) bodies.give(columns.memory);
  };
  if (accepts(request.request, SAFETENSORS_MEDIA_TYPE)) {
    return { ...bytes(SAFETENSORS_MEDIA_TYPE, columns.body), onSent: giveBack };
  }
  const reply = ok(toHeatmapReply(query, columns));
  giveBack();
  return reply;
}

async function getSeries(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(seriesQuerySchema, request.query);
  const { runId, index } = await permittedLayer(db, request);
  return jsonBytes(seriesJson(await readSeriesColumns(db, runId, index, query)));
}

async function getDistributions(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(distributionsQuerySchema, request.query);
  const { runId, index } = await permittedLayer(db, request);
  return ok(await readDistributions(db, runId, index, query));
}

async function getSpikes(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(spikesQuerySchema, request.query);
  return ok(await readSpikes(db, await permittedRunId(db, request), query));
}

async function getSpike(db: Database, request: ReadRequest): Promise<Reply> {
  const runId = await permittedRunId(db, request);
  return ok(await readSpike(db, runId, request.params['spikeId'] ?? ''));
}

async function getStages(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(stagesQuerySchema, request.query);
  return ok(await readStages(db, await permittedRunId(db, request), query));
}

async function getEvents(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(eventsQuerySchema, request.query);
  return ok(await readEvents(db, await permittedRunId(db, request), query));
}
