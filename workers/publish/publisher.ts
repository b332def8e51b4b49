import type { Server as HttpServer, IncomingHttpHeaders } from 'node:http';
import { Server, type Namespace, type Socket } from 'socket.io';
import type { Logger } from 'pino';
import { AppError } from '../../lib/contract/app-error';
import type { LiveIncident } from '../../lib/contract/incidents';
import {
  LIVE_INTERVAL_MS,
  LIVE_NAMESPACE,
  LIVE_PATH,
  type LiveEvent,
  type LiveRun,
  type Subscribe,
  type SubscribeReply,
  subscribeSchema,
} from '../../lib/contract/live';
import { type CommittedFrame, LiveRoom } from './live-room';

/**
 * Messages that may wait in a viewer's connection before it is passed over. A healthy one
 * has none or one; more means that its network takes less than we send.
 */
const MAX_UNSENT_MESSAGES = 8;
/** How often open connections are asked again whether they may still be here. */
const RECHECK_INTERVAL_MS = 10_000;

/** What the publisher asks of the rest of the worker. */
export interface PublisherDependencies {
  readonly logger: Logger;
  /**
   * Whose incidents these headers may hear of: a project's, or with null everybody's. Throws
   * AppError when they may not open a connection here.
   */
  readonly admit: (headers: IncomingHttpHeaders) => Promise<string | null>;
  /** Throws AppError when they may not watch the run, or it does not exist. */
  readonly admitToRun: (
    headers: IncomingHttpHeaders,
    runId: string,
  ) => Promise<{
    readonly layerCount: number;
    readonly attempt: number;
    readonly newestStep: number;
  }>;
}

export interface PublisherStatus {
  readonly viewers: number;
  readonly rooms: number;
  readonly skippedMessages: number;
}

/**
 * Pushes what was committed to whoever watches it. Publishing never waits for a viewer
 * and never fails a post.
 */
export class Publisher {
  private readonly io: Server;
  private readonly namespace: Namespace;
  private readonly rooms = new Map<string, LiveRoom>();
  private readonly roomsOfRun = new Map<string, Set<LiveRoom>>();
  private readonly recheck: NodeJS.Timeout;
  private flushTimer: NodeJS.Timeout | null = null;
  private lastFlushMs = -Infinity;
  private skippedMessages = 0;

  constructor(
    server: HttpServer,
    private readonly deps: PublisherDependencies,
  ) {
    // Deflating each small binary message costs memory a connection and a thread-pool
    // trip, for floats that hardly shrink.
    this.io = new Server(server, {
      path: LIVE_PATH,
      perMessageDeflate: false,
      serveClient: false,
      maxHttpBufferSize: 64 * 1024,
    });
    this.namespace = this.io.of(LIVE_NAMESPACE);
    this.namespace.use((socket, next) => {
      deps.admit(headersOf(socket)).then(
        (project) => {
          void socket.join(incidentRoom(project));
          next();
        },
        (error: unknown) => {
          next(error instanceof Error ? error : new Error('refused'));
        },
      );
    });
    this.namespace.on('connection', (socket) => {
      this.serve(socket);
    });
    this.recheck = setInterval(() => {
      for (const socket of this.namespace.sockets.values()) this.recheckSocket(socket);
    }, RECHECK_INTERVAL_MS);
    this.recheck.unref();
  }

  status(): PublisherStatus {
    return {
      viewers: this.namespace.sockets.size,
      rooms: this.rooms.size,
      skippedMessages: this.skippedMessages,
    };
  }

  publishFrames(runId: string, frames: readonly CommittedFrame[]): void {
    const rooms = this.roomsOfRun.get(runId);
    if (rooms === undefined || frames.length === 0) return;
    for (const room of rooms) room.add(frames);
    this.scheduleFlush();
  }

  publishEvent(event: LiveEvent): void {
    this.namespace.to(runRoom(event.runId)).emit('event', event);
  }

  /** To everybody who may see its project. */
  publishIncident(live: LiveIncident): void {
    const { project } = live.incident;
    this.namespace.to([incidentRoom(null), incidentRoom(project)]).emit('incident', live);
  }

  publishRun(run: LiveRun): void {
    this.namespace.to(runRoom(run.runId)).emit('run', run);
  }

  async close(): Promise<void> {
    clearInterval(this.recheck);
    if (this.flushTimer !== null) clearTimeout(this.flushTimer);
    await this.io.close();
  }

  private serve(socket: Socket): void {
    socket.on('subscribe', (request: unknown, acknowledge: unknown) => {
      if (!isAcknowledgement(acknowledge)) return;
      this.subscribe(socket, request).then(
        (reply) => {
          acknowledge(reply);
        },
        (error: unknown) => {
          this.deps.logger.error({ err: error }, 'subscription crashed');
          acknowledge(refusal(new AppError('internal', 'The server failed to subscribe.')));
        },
      );
    });
    socket.on('disconnect', () => {
      this.dropEmptyRooms();
    });
  }

  private async subscribe(socket: Socket, raw: unknown): Promise<SubscribeReply> {
    const request = subscribeSchema.safeParse(raw);
    if (!request.success) {
      const [issue] = request.error.issues;
      const path = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.join('.');
      return refusal(new AppError('invalid_body', `${path}: ${issue?.message ?? 'unreadable'}`));
    }
    try {
      const run = await this.deps.admitToRun(headersOf(socket), request.data.runId);
      const room = this.join(socket, request.data, run.layerCount);
      return {
        ok: true,
        newestStep: run.newestStep,
        attempt: run.attempt,
        sequence: room.sequence,
      };
    } catch (error) {
      if (error instanceof AppError) return refusal(error);
      throw error;
    }
  }

  /** One subscription a connection: a new one takes the place of the last. */
  private join(socket: Socket, { runId, metric }: Subscribe, layerCount: number): LiveRoom {
    for (const name of socket.rooms) if (isOfRun(name)) void socket.leave(name);
    const key = metricRoom(runId, metric);
    let room = this.rooms.get(key);
    if (room === undefined) {
      room = new LiveRoom(runId, metric, layerCount);
      this.rooms.set(key, room);
      const siblings = this.roomsOfRun.get(runId) ?? new Set();
      this.roomsOfRun.set(runId, siblings.add(room));
    }
    // The in-memory adapter joins at once and returns nothing to wait for.
    void socket.join([key, runRoom(runId)]);
    this.dropEmptyRooms();
    return room;
  }

  private dropEmptyRooms(): void {
    for (const [key, room] of this.rooms) {
      if (this.namespace.adapter.rooms.has(key)) continue;
      this.rooms.delete(key);
      const siblings = this.roomsOfRun.get(room.runId);
      siblings?.delete(room);
      if (siblings?.size === 0) this.roomsOfRun.delete(room.runId);
    }
  }

  /** The first frame after a pause leaves at once; the next ones are gathered for an interval. */
  private scheduleFlush(): void {
    if (this.flushTimer !== null) return;
    const wait = Math.max(0, this.lastFlushMs + LIVE_INTERVAL_MS - performance.now());
    this.flushTimer = setTimeout(() => {
      this.flushTimer = null;
      this.lastFlushMs = performance.now();
      this.flush();
    }, wait);
  }

  private flush(): void {
    for (const [key, room] of this.rooms) {
      if (!room.isWaiting) continue;
      const slow = this.slowSocketsOf(key);
      const target = this.namespace.to(key).except(slow);
      for (const { head, body } of room.takeMessages()) {
        target.emit('frames', head, body);
        this.skippedMessages += slow.length;
      }
    }
  }

  private slowSocketsOf(key: string): string[] {
    const slow: string[] = [];
    for (const id of this.namespace.adapter.rooms.get(key) ?? []) {
      const socket = this.namespace.sockets.get(id);
      if (socket !== undefined && unsentMessages(socket) > MAX_UNSENT_MESSAGES) slow.push(id);
    }
    return slow;
  }

  private recheckSocket(socket: Socket): void {
    this.deps.admit(headersOf(socket)).catch((error: unknown) => {
      // A database that is away says nothing about the viewer's right to be here.
      if (!(error instanceof AppError) || error.status >= 500) return;
      socket.emit('refused', refusal(error));
      socket.disconnect(true);
    });
  }
}

/** socket.io's acknowledgement is a function of whatever we answer; a client may send anything else. */
function isAcknowledgement(value: unknown): value is (reply: SubscribeReply) => void {
  return typeof value === 'function';
}

function metricRoom(runId: string, metric: string): string {
  return `metric|${runId}|${metric}`;
}

function runRoom(runId: string): string {
  return `run|${runId}`;
}

function isOfRun(room: string): boolean {
  return room.startsWith('metric|') || room.startsWith('run|');
}

function incidentRoom(project: string | null): string {
  return project === null ? 'incidents' : `incidents|${project}`;
}

function refusal(error: AppError): SubscribeReply {
  return { ok: false, code: error.code, message: error.message };
}

/** The handshake's headers; a token given as `auth.token` stands for the Authorization header. */
function headersOf(socket: Socket): IncomingHttpHeaders {
  const { headers } = socket.handshake;
  const auth: unknown = socket.handshake.auth;
  if (typeof auth !== 'object' || auth === null || !('token' in auth)) return headers;
  return typeof auth.token === 'string'
    ? { ...headers, authorization: `Bearer ${auth.token}` }
    : headers;
}

/** Packets that engine.io holds because the connection has not taken those before. */
function unsentMessages(socket: Socket): number {
  const connection: unknown = socket.conn;
  if (typeof connection !== 'object' || connection === null) return 0;
  if (!('writeBuffer' in connection) || !Array.isArray(connection.writeBuffer)) return 0;
  return connection.writeBuffer.length;
}
