import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Logger } from 'pino';
import type { Database } from '../../lib/store/database';
import type { FrameWriter } from '../../lib/store/writing/frame-writer';
import { saveSamples } from '../../lib/store/sample-frames';
import { toUnavailable } from '../../lib/store/postgres/outage';
import { findTrajectoryEnd } from '../../lib/store/runs/trajectory';
import { type HostRules, checkHosts } from '../access/hosts';
import { authenticate, permitProject, permitScope, visibleProject } from '../access/principal';
import type { StatisticsClient } from '../accelerator/statistics-client';
import type { AlertsClient } from '../alerts/alerts-client';
import type { MessageSender } from '../alerts/deliver/message-sender';
import type { CompactionClient } from '../compaction/compaction-client';
import { BodyPool, UNUSED_AFTER_MS } from '../http/body-pool';
import { BodyBudget } from '../http/read-body';
import { type Reply, json, send, text, toReply } from '../http/reply';
import { parseRequestUrl } from '../http/request-url';
import { Router } from '../http/router';
import { Publisher } from '../publish/publisher';
import { observeAlerts } from './alerts/alert-metrics';
import { observeCompaction } from './compaction-metrics';
import { Detection } from './detect/detection';
import { IngestMetrics } from './ingest-metrics';
import { PreviousGradients } from './previous-gradients';
import { createJobWork } from './jobs/job-kinds';
import { JobRunner } from './jobs/job-runner';
import { WRITE_ROUTES } from './routes';
import { RunCache } from './run-cache';
import { SampleKeeper } from './samples/sample-keeper';
import type { RouteDependencies } from './write-request';

export interface IngestServerOptions {
  readonly db: Database;
  readonly writer: FrameWriter;
  readonly statistics: Omit<StatisticsClient, 'ready' | 'close'>;
  readonly compaction: Omit<CompactionClient, 'ready' | 'close'>;
  readonly alerts: Omit<AlertsClient, 'ready' | 'close'>;
  readonly sender: MessageSender;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly requireTokens: boolean;
  readonly hosts: HostRules;
  readonly bodyTimeoutMs?: number;
  readonly maxBodyBytesHeld?: number;
}

export interface IngestServer {
  readonly server: Server;
  /**
   * Looks at what an earlier worker stored and did not look at, and takes up its jobs;
   * resolves when all has been looked at and the jobs wait for their turn.
   */
  catchUp(): Promise<void>;
  /** Resolves when no batch job runs or waits. */
  jobsSettled(): Promise<void>;
  /** From now on `/readyz` says no; requests under way go on. */
  startDraining(): void;
  /** Answers what is under way, then closes every connection. */
  close(): Promise<void>;
}

/** Sixteen of the largest posts at once. */
const MAX_BODY_BYTES_HELD = 512 * 1024 * 1024;
const BODY_TIMEOUT_MS = 30_000;
/** How long the rest of a refused body may keep coming before its connection is cut. */
const DROP_REST_MS = 5_000;
/** A writer that has kept a frame waiting for so long is not keeping up. */
const MAX_WRITER_LAG_MS = 10_000;
/** How often detection looks at its clocks; the shortest of them is 5 s. */
const DETECTION_TICK_MS = 1_000;
/** Samples of runs that post none for twice as long at most go; the slowest jobs post some every ten minutes. */
const QUIET_RUNS_MS = 30 * 60_000;

/** The ingestion worker's HTTP server and socket, not yet listening. */
export function createIngestServer(options: IngestServerOptions): IngestServer {
  const { db, writer, statistics, compaction, alerts, logger, now, requireTokens, hosts } = options;
  const access = { db, requireTokens };
  const runs = new RunCache(db);
  const metrics = new IngestMetrics();
  const budget = new BodyBudget(options.maxBodyBytesHeld ?? MAX_BODY_BYTES_HELD);
  const router = new Router(WRITE_ROUTES);
  let isDraining = false;

  const server = createServer((request, response) => {
    void handle(request, response);
  });
  // The body has its own clock; this one is for headers that never end.
  server.headersTimeout = 10_000;
  server.requestTimeout = 0;
  server.keepAliveTimeout = 65_000;

  const publisher = new Publisher(server, {
    logger,
    admit: async (headers) => {
      checkHosts(headers, hosts);
      const principal = await authenticate(headers, access);
      permitScope(principal, 'read');
      return visibleProject(principal);
    },
    admitToRun: async (headers, runId) => {
      const principal = await authenticate(headers, access);
      permitScope(principal, 'read');
      const run = await runs.find(runId);
      permitProject(principal, run.project);
      const newestStep = (await findTrajectoryEnd(db, run)) ?? -1;
      return { layerCount: run.layerCount, attempt: run.newestAttempt, newestStep };
    },
  });
  alerts.onIncident((live) => {
    publisher.publishIncident(live);
  });
  const samples = new SampleKeeper({ logger, save: (kept) => saveSamples(db, kept) });
  const detection = new Detection({
    db,
    logger,
    now,
    onWatched: (runKey, attempt, step, spikes) => {
      samples.watched(runKey, attempt, step, spikes);
    },
    onSettled: (id, step) => {
      alerts.noteSettled(id, step);
    },
    publish: (event) => {
      publisher.publishEvent(event);
    },
  });
  const detectionTimer = setInterval(() => {
    detection.tick();
  }, DETECTION_TICK_MS);
  detectionTimer.unref();
  const work = createJobWork({ statistics, now });
  const jobs = new JobRunner({
    db,
    logger,
    now,
    newId: randomUUID,
    findRun: (id) => runs.find(id),
    work: async (context, request) => {
      try {
        return await work(context, request);
      } finally {
        // What it put in the place of compacted cells is hot, as late posts are.
        const { runKey, attempts } = context.run;
        compaction.noteChanged(
          runKey,
          attempts.map(({ attempt }) => attempt),
        );
      }
    },
    isBusy: () => writer.status().queuedFrames > 0 || statistics.status().queuedFrames > 0,
  });
  const bodies = new BodyPool();
  const previousGradients = new PreviousGradients();
  const bufferTimer = setInterval(() => {
    bodies.releaseUnused();
    statistics.releaseUnused();
  }, UNUSED_AFTER_MS);
  bufferTimer.unref();
  const quietTimer = setInterval(() => {
    samples.releaseQuiet();
    previousGradients.releaseQuiet();
  }, QUIET_RUNS_MS);
  quietTimer.unref();
  metrics.observe(writer, publisher, budget, statistics, detection, jobs, samples);

  observeCompaction(metrics.registry, compaction);
  observeAlerts(metrics.registry, alerts);

  const deps: RouteDependencies = {
    access,
    runs,
    writer,
    publisher,
    detection,
    samples,
    compaction,
    alerts,
    metrics,
    jobs,
    sender: options.sender,
    budget,
    bodies,
    now,
    previousGradients,
    statistics,
    bodyTimeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: Reply;
    try {
      reply = await answer(request);
    } catch (error) {
      reply = toReply(toUnavailable(error), logger, request);
    }
    metrics.countRequest(reply.status);
    send(request, response, reply);
    if (!request.complete) dropRest(request);
  }

  async function answer(request: IncomingMessage): Promise<Reply> {
    checkHosts(request.headers, hosts);
    const { pathname } = parseRequestUrl(request);
    switch (pathname) {
      case '/healthz':
        return text(200, 'text/plain; charset=utf-8', 'ok\n');
      case '/readyz':
        return readiness();
      case '/metrics':
        return text(200, metrics.registry.contentType, await metrics.registry.metrics());
      default: {
        const { handler, params } = router.match(request.method ?? 'GET', pathname);
        return handler(deps, { request, params });
      }
    }
  }

  function readiness(): Reply {
    const { outage, oldestQueuedMs, queuedBytes } = writer.status();
    const isWriting = !isDraining && outage === null && oldestQueuedMs <= MAX_WRITER_LAG_MS;
    const compacts = compaction.check();
    const alerting = alerts.check();
    const isReady = isWriting && compacts === 'ok' && alerting === 'ok';
    return json(isReady ? 200 : 503, {
      ready: isReady,
      draining: isDraining,
      writerOutage: outage,
      writerLagMs: oldestQueuedMs,
      writerQueuedBytes: queuedBytes,
      compaction: compacts,
      alerts: alerting,
    });
  }

  return {
    server,
    async catchUp() {
      await detection.catchUp((id) => runs.find(id));
      await jobs.resume();
    },
    jobsSettled: () => jobs.settled(),
    startDraining() {
      isDraining = true;
    },
    async close() {
      isDraining = true;
      // Also closes the HTTP server, once what is under way has been answered.
      const closed = publisher.close();
      server.closeIdleConnections();
      await closed;
      clearInterval(detectionTimer);
      clearInterval(bufferTimer);
      clearInterval(quietTimer);
      await jobs.close();
      await detection.close();
      await samples.settled();
    },
  };
}

/**
 * Reads the rest of a body that was answered early and throws it away: closing at once
 * would reset the connection before the sender has read the answer.
 */
function dropRest(request: IncomingMessage): void {
  request.resume();
  const timer = setTimeout(() => {
    request.destroy();
  }, DROP_REST_MS);
  timer.unref();
  request.once('close', () => {
    clearTimeout(timer);
  });
}
