import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { AppError } from '../../lib/contract/app-error';
import { LIVE_PATH } from '../../lib/contract/live';
import { buildOpenApi } from '../../lib/contract/openapi';
import { readAdvice } from '../../lib/query/read-advice';
import type { Database } from '../../lib/store/database';
import { findDatabaseSize } from '../../lib/store/database-size';
import type { TokenScope } from '../../lib/store/tokens';
import { toUnavailable } from '../../lib/store/postgres/outage';
import { frameHeaders } from '../access/frames';
import { type HostRules, checkHosts } from '../access/hosts';
import { authenticate, permitScope } from '../access/principal';
import { BodyPool, UNUSED_AFTER_MS } from '../http/body-pool';
import { BodyBudget } from '../http/read-body';
import { type Reply, json, ok, send, text, toReply } from '../http/reply';
import { parseRequestUrl, readQuery } from '../http/request-url';
import { type Route, Router, methodNotAllowed } from '../http/router';
import { ADVICE_READ_ROUTES } from './advice-reads';
import { AdviceWatch } from './advice-watch';
import { ApiMetrics } from './api-metrics';
import { declineUpgrade, refuseUpgrade } from './decline-upgrade';
import { createProxy } from './proxies';
import {
  IGNORED_PARAMETERS_HEADER,
  ignoredParameters,
  queryParametersOf,
} from './query-parameters';
import type { ReadHandler } from './read-request';
import { READ_ROUTES } from './read-routes';
import { type Readiness, readReadiness } from './readiness';
import { askSeenStep } from './seen-step';
import { signIn, signOut, toSignIn } from './sign-in';

export interface FrontDoorOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly version: string;
  readonly requireTokens: boolean;
  readonly hosts: HostRules;
  /** Origins whose pages may show ours within a frame. */
  readonly embedOrigins: readonly string[];
  /** Whether the operator has set up a mail server. */
  readonly canSendEmail: boolean;
  readonly ingestUrl: string;
  readonly webUrl: string;
}

export interface FrontDoor {
  readonly server: Server;
  /** From now on `/readyz` says no; requests under way go on. */
  startDraining(): void;
  close(): Promise<void>;
}

type Destination =
  | {
      readonly kind: 'read';
      /** Method and path. */
      readonly route: string;
      readonly handler: ReadHandler;
      /** Any of these is enough. */
      readonly scopes: readonly TokenScope[];
    }
  | { readonly kind: 'ingest' };

/** Everything under /api/v1: what is read here, and what the ingestion worker answers. */
const API_ROUTES = [
  ...READ_ROUTES.map((route) => toDestination(route, ['read'])),
  ...ADVICE_READ_ROUTES.map((route) => toDestination(route, ['read', 'ingest'])),
  ...(
    [
      ['POST', '/api/v1/runs'],
      ['PATCH', '/api/v1/runs/:id'],
      ['DELETE', '/api/v1/runs/:id'],
      ['POST', '/api/v1/runs/:id/frames'],
      ['POST', '/api/v1/runs/:id/samples'],
      ['POST', '/api/v1/runs/:id/events'],
      ['POST', '/api/v1/runs/:id/finish'],
      ['POST', '/api/v1/runs/:id/jobs'],
      ['POST', '/api/v1/runs/:id/jobs/:jobId/cancel'],
      ['POST', '/api/v1/runs/:id/notes'],
      ['PATCH', '/api/v1/runs/:id/notes/:noteId'],
      ['DELETE', '/api/v1/runs/:id/notes/:noteId'],
      ['DELETE', '/api/v1/projects/:name'],
      ['PUT', '/api/v1/projects/:name/policy'],
      ['POST', '/api/v1/projects/:name/retention'],
      ['POST', '/api/v1/projects/:name/alert-channels'],
      ['PATCH', '/api/v1/projects/:name/alert-channels/:channelId'],
      ['DELETE', '/api/v1/projects/:name/alert-channels/:channelId'],
      ['POST', '/api/v1/projects/:name/alert-channels/:channelId/test'],
      ['POST', '/api/v1/projects/:name/alert-deliveries/:deliveryId/retry'],
      ['POST', '/api/v1/projects/:name/alert-rules'],
      ['PATCH', '/api/v1/projects/:name/alert-rules/:ruleId'],
      ['DELETE', '/api/v1/projects/:name/alert-rules/:ruleId'],
      ['POST', '/api/v1/projects/:name/incidents/:incidentId/acknowledge'],
    ] as const
  ).map(([method, path]) => ({ method, path, handler: { kind: 'ingest' } satisfies Destination })),
];

function toDestination(
  { method, path, handler }: Route<ReadHandler>,
  scopes: readonly TokenScope[],
): Route<Destination> {
  const route = `${method} ${path}`;
  return { method, path, handler: { kind: 'read', route, handler, scopes } };
}

/** Two heatmaps of 1,000 × 1,000, whose 8 MB are cleared by the system in a fifth of their time. */
const MAX_KEPT_REPLY_BYTES = 32 * 1024 * 1024;
const LARGEST_REPLY_BYTES = 16 * 1024 * 1024;

/** What supervisors and scripts ask beside the API's routes. */
const OPERATIONS: ReadonlySet<string> = new Set([
  '/healthz',
  '/readyz',
  '/metrics',
  '/api/v1/openapi.json',
]);

/** What a browser must load before it can sign in. */
const PUBLIC_PAGE = /^\/(sign-in$|_next\/|favicon\.|icon\.)/;

/** The front door's HTTP server, not yet listening. */
export function createFrontDoor(options: FrontDoorOptions): FrontDoor {
  const { db, logger, requireTokens, hosts } = options;
  const access = { db, requireTokens };
  const router = new Router<Destination>(API_ROUTES);
  const budget = new BodyBudget(4 * 1024 * 1024);
  const bodies = new BodyPool(MAX_KEPT_REPLY_BYTES, LARGEST_REPLY_BYTES);
  const bufferTimer = setInterval(() => bodies.releaseUnused(), UNUSED_AFTER_MS);
  bufferTimer.unref();
  const ingest = createProxy(options.ingestUrl, 'ingestion worker', logger);
  const web = createProxy(options.webUrl, 'web app', logger);
  const advice = new AdviceWatch(async (runId) =>
    readAdvice(db, runId, await askSeenStep(options.ingestUrl, runId)),
  );
  const metrics = new ApiMetrics({
    version: options.version,
    paths: API_ROUTES.map(({ path }) => path),
    waitingForAdvice: () => advice.waiting,
    ingestUrl: options.ingestUrl,
    readReadiness: askReadiness,
    readDatabaseSize: () => findDatabaseSize(db),
  });
  const openApi = buildOpenApi({ version: options.version });
  const queryParameters = queryParametersOf(openApi);
  /** Passed on, or about to be refused. */
  const sockets = new Set<Duplex>();
  let isDraining = false;

  const server = createServer((request, response) => {
    void handle(request, response);
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 0;
  server.keepAliveTimeout = 65_000;
  server.on('upgrade', (request, socket, head) => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      declineUpgrade(server, request, socket, head);
      return;
    }
    // The server has let go of it: it neither hears of faults nor ends it when it closes.
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    void handleUpgrade(request, socket, head);
  });

  function askReadiness(): Promise<Readiness> {
    return readReadiness({ ...options, isDraining });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startMs = performance.now();
    response.on('close', () => {
      metrics.observe(request.url ?? '', response.statusCode, performance.now() - startMs);
    });
    try {
      const reply = await answer(request, response);
      if (reply !== null) send(request, response, reply, logger);
    } catch (error) {
      send(request, response, toReply(toUnavailable(error), logger, request));
    }
  }

  /** The reply, or null where a proxy answers. */
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Reply | null> {
    checkHosts(request.headers, hosts);
    const { pathname, searchParams } = parseRequestUrl(request);
    if (pathname.startsWith(LIVE_PATH)) {
      await ingest.pass(request, response);
      return null;
    }
    const operation = await answerOperation(request, pathname);
    if (operation !== null) return operation;
    if (pathname === '/api' || pathname.startsWith('/api/')) {
      const { handler, params } = router.match(request.method ?? 'GET', pathname);
      if (handler.kind === 'ingest') {
        await ingest.pass(request, response);
        return null;
      }
      const principal = await authenticate(request.headers, access);
      permitScope(principal, ...handler.scopes);
      const ignored = ignoredParameters(searchParams, queryParameters.get(handler.route));
      if (ignored !== null) response.setHeader(IGNORED_PARAMETERS_HEADER, ignored);
      const query = readQuery(searchParams);
      const { canSendEmail } = options;
      return handler.handler(db, {
        request,
        params,
        query,
        principal,
        bodies,
        canSendEmail,
        advice,
      });
    }
    return answerPage(request, response, pathname, searchParams);
  }

  async function answerOperation(
    request: IncomingMessage,
    pathname: string,
  ): Promise<Reply | null> {
    const { method = 'GET' } = request;
    if (OPERATIONS.has(pathname) && method !== 'GET' && method !== 'HEAD') {
      throw methodNotAllowed(method, pathname, ['GET']);
    }
    switch (pathname) {
      case '/healthz':
        return text(200, 'text/plain; charset=utf-8', 'ok\n');
      case '/readyz': {
        const readiness = await askReadiness();
        return json(readiness.ready ? 200 : 503, readiness);
      }
      case '/metrics':
        permitScope(await authenticate(request.headers, access), 'read');
        return text(200, metrics.contentType, await metrics.collect());
      case '/api/v1/openapi.json':
        return ok(openApi);
      default:
        return null;
    }
  }

  async function answerPage(
    request: IncomingMessage,
    response: ServerResponse,
    pathname: string,
    searchParams: URLSearchParams,
  ): Promise<Reply | null> {
    if (request.method === 'POST' && pathname === '/sign-in')
      return signIn(request, access, budget);
    if (request.method === 'POST' && pathname === '/sign-out') return signOut();
    if (!PUBLIC_PAGE.test(pathname)) {
      try {
        permitScope(await authenticate(request.headers, access), 'read');
      } catch (error) {
        if (error instanceof AppError && (error.status === 401 || error.status === 403)) {
          return toSignIn(request, error);
        }
        throw error;
      }
    }
    const frames = frameHeaders(searchParams, options.embedOrigins);
    for (const [name, value] of Object.entries(frames)) response.setHeader(name, value);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'same-origin');
    await web.pass(request, response);
    return null;
  }

  async function handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    // Both are always net.Socket here; the type is wider for HTTP over other transports.
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    try {
      checkHosts(request.headers, hosts);
    } catch {
      refuseUpgrade(socket, '403 Forbidden');
      return;
    }
    const { url = '' } = request;
    if (url.startsWith(LIVE_PATH)) await ingest.upgrade(request, socket, head);
    // Of pages that reload as they are written; Next leaves any other one without an answer.
    else if (url.startsWith('/_next/')) await web.upgrade(request, socket, head);
    else refuseUpgrade(socket, '404 Not Found');
  }

  return {
    server,
    startDraining() {
      isDraining = true;
    },
    async close() {
      isDraining = true;
      clearInterval(bufferTimer);
      await advice.close();
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      server.closeIdleConnections();
      server.closeAllConnections();
      // WebSockets never end by themselves; browsers connect again by themselves.
      for (const socket of sockets) socket.destroy();
      await closed;
      ingest.close();
      web.close();
    },
  };
}
