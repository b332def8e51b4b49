/**
 * Where notifications stand: with the service worker where the browser has one, so that they
 * outlive the tab that showed them and are found again by their tag; else with the tab.
 */
import { z } from 'zod';

export interface NoticeOptions {
  readonly body: string;
  /** One incident has one: what is shown under it takes the place of what was. */
  readonly tag: string;
  readonly href: string;
  /** Whether it tells of an end. */
  readonly isOver: boolean;
  readonly requireInteraction: boolean;
  readonly silent: boolean;
}

export interface NoticeBoard {
  /** Rejects where the browser refuses it. */
  show: (title: string, options: NoticeOptions) => Promise<void>;
  take: (tag: string) => Promise<void>;
  /** Of those that tell of something that has not ended. */
  openTags: () => Promise<readonly string[]>;
}

/** `app/notice-worker`. */
const WORKER = '/notice-worker';
/** How long a worker may take to start before the tab shows the notification itself. */
const WORKER_MS = 10_000;

/** `go` leads to a page from a notification that the tab itself shows. */
export async function openNoticeBoard(go: (href: string) => void): Promise<NoticeBoard> {
  const registration = await registerWorker();
  return registration === null ? new TabBoard(go) : new WorkerBoard(registration);
}

/** null where there is none to be had: an old browser, or one that was told not to. */
async function registerWorker(): Promise<ServiceWorkerRegistration | null> {
  if (!('serviceWorker' in navigator)) return null;
  try {
    await navigator.serviceWorker.register(WORKER);
    const late = new Promise<null>((resolve) => setTimeout(resolve, WORKER_MS, null));
    return await Promise.race([navigator.serviceWorker.ready, late]);
  } catch {
    // The tab's own notifications are tried instead, and say so where they are refused too.
    return null;
  }
}

const dataSchema = z.object({ href: z.string(), isOver: z.boolean() });

/** Notifications of a service worker, those of earlier pages among them. */
class WorkerBoard implements NoticeBoard {
  constructor(private readonly registration: ServiceWorkerRegistration) {}

  show(title: string, { href, isOver, ...options }: NoticeOptions): Promise<void> {
    return this.registration.showNotification(title, { ...options, data: { href, isOver } });
  }

  async take(tag: string): Promise<void> {
    const shown = await this.registration.getNotifications({ tag });
    for (const notification of shown) notification.close();
  }

  async openTags(): Promise<readonly string[]> {
    const shown = await this.registration.getNotifications();
    return shown
      .filter(({ data }) => dataSchema.safeParse(data).data?.isOver === false)
      .map(({ tag }) => tag);
  }
}

/** Notifications of this tab alone. */
class TabBoard implements NoticeBoard {
  private readonly byTag = new Map<string, Notification>();

  constructor(private readonly go: (href: string) => void) {}

  show(title: string, { href, isOver, ...options }: NoticeOptions): Promise<void> {
    return new Promise((resolve) => {
      // Throws, and so rejects, in browsers that want a service worker for it.
      const notification = new Notification(title, options);
      notification.onclick = () => {
        notification.close();
        this.byTag.delete(options.tag);
        this.go(href);
      };
      if (!isOver) this.byTag.set(options.tag, notification);
      resolve();
    });
  }

  take(tag: string): Promise<void> {
    this.byTag.get(tag)?.close();
    this.byTag.delete(tag);
    return Promise.resolve();
  }

  openTags(): Promise<readonly string[]> {
    return Promise.resolve([...this.byTag.keys()]);
  }
}
