/** What is said of a spike afterwards, and the reports that people send around. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../lib/contract/app-error';
import {
  REPORT_MEDIA_TYPES,
  reportQuerySchema,
  type ReportFormat,
} from '../../lib/contract/postmortem';
import { projectParamsSchema } from '../../lib/contract/projects';
import { projectReportQuerySchema } from '../../lib/contract/reports';
import { composeProjectReport } from '../../lib/postmortem/report/project-report';
import type { ReportDocument } from '../../lib/postmortem/report/report-document';
import { composeRunReport } from '../../lib/postmortem/report/run-report';
import { composeSpikeReport } from '../../lib/postmortem/report/spike-report';
import { writeHtml } from '../../lib/postmortem/report/write-html';
import { writeMarkdown } from '../../lib/postmortem/report/write-markdown';
import { readPostmortem } from '../../lib/query/read-postmortem';
import { readProjectReport } from '../../lib/query/read-project-report';
import { readRunReport } from '../../lib/query/read-run-report';
import { readSpikeReport } from '../../lib/query/read-spike-report';
import type { Database } from '../../lib/store/database';
import { permitProject } from '../access/principal';
import { type Reply, ok, text } from '../http/reply';
import type { Route } from '../http/router';
import { type ReadHandler, type ReadRequest, parseQuery, permittedRunId } from './read-request';

export const POSTMORTEM_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/runs/:id/spikes/:spikeId/postmortem', handler: getPostmortem },
  { method: 'GET', path: '/api/v1/runs/:id/spikes/:spikeId/report', handler: getSpikeReport },
  { method: 'GET', path: '/api/v1/runs/:id/report', handler: getRunReport },
  { method: 'GET', path: '/api/v1/projects/:name/report', handler: getProjectReport },
];

/** 200; 404 run_not_found, spike_not_found. */
async function getPostmortem(db: Database, request: ReadRequest): Promise<Reply> {
  const runId = await permittedRunId(db, request);
  return ok(await readPostmortem(db, runId, request.params['spikeId'] ?? ''));
}

/** 200 as HTML, Markdown or JSON; 404 run_not_found, spike_not_found; 422. */
async function getSpikeReport(db: Database, request: ReadRequest): Promise<Reply> {
  const { format } = parseQuery(reportQuerySchema, request.query);
  const runId = await permittedRunId(db, request);
  const spikeId = request.params['spikeId'] ?? '';
  const report = await readSpikeReport(db, runId, spikeId);
  if (format === 'json') return download(format, `${runId}-${spikeId}`, JSON.stringify(report));
  const page = `/runs/${encodeURIComponent(runId)}/spikes/${encodeURIComponent(spikeId)}`;
  const document = composeSpikeReport(report, originOf(request.request, page));
  return download(format, `${runId}-${spikeId}`, write(document, format));
}

/** 200 as HTML, Markdown or JSON; 404 run_not_found; 422. */
async function getRunReport(db: Database, request: ReadRequest): Promise<Reply> {
  const { format } = parseQuery(reportQuerySchema, request.query);
  const runId = await permittedRunId(db, request);
  const read = await readRunReport(db, runId);
  if (format === 'json') return download(format, runId, JSON.stringify(read.report));
  const origin = originOf(request.request, `/runs/${encodeURIComponent(runId)}`);
  return download(format, runId, write(composeRunReport(read, origin), format));
}

/** 200 as HTML, Markdown or JSON; 403 for another project than the token's; 404 project_not_found; 422. */
async function getProjectReport(db: Database, request: ReadRequest): Promise<Reply> {
  const { format, week } = parseQuery(projectReportQuerySchema, request.query);
  const params = projectParamsSchema.safeParse(request.params);
  if (!params.success) {
    throw new AppError('project_not_found', `there is no project ${request.params['name'] ?? ''}`);
  }
  const { name } = params.data;
  permitProject(request.principal, name);
  const report = await readProjectReport(db, name, week, new Date());
  const file = `${name}-${report.week}`;
  if (format === 'json') return download(format, file, JSON.stringify(report));
  const origin = originOf(request.request, `/?q=${encodeURIComponent(name)}`);
  return download(format, file, write(composeProjectReport(report, origin), format));
}

function write(document: ReportDocument, format: Exclude<ReportFormat, 'json'>): string {
  return format === 'html' ? writeHtml(document) : writeMarkdown(document);
}

/** Shown where it is opened, under a name of its own where it is saved. */
function download(format: ReportFormat, name: string, body: string): Reply {
  const file = `${name.replace(/[^\w.-]+/g, '_')}.${format}`;
  const reply = text(200, REPORT_MEDIA_TYPES[format], body);
  return {
    ...reply,
    headers: {
      ...reply.headers,
      'Content-Disposition': `inline; filename="${file}"`,
      // The file's own policy, for the time that it is served from here.
      'Content-Security-Policy':
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
    },
  };
}

/** The page that shows the same, live, as the browser that asks would find it. */
function originOf(request: IncomingMessage, path: string) {
  const protocol = request.headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
  const host = request.headers.host ?? 'localhost';
  return { url: `${protocol}://${host}${path}`, writtenAt: new Date() };
}
