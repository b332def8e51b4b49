import type { LiveIncident } from '@/lib/contract/incidents';
import {
  prepareNotice,
  prepareOverNotice,
  type IncidentNotice,
} from '@/lib/view/alerts/incidents-list';

/** What is needed of the browser's notification. */
export interface Shown {
  close: () => void;
}

export type ShowNotice = (
  title: string,
  options: {
    readonly body: string;
    readonly tag: string;
    readonly requireInteraction: boolean;
    readonly silent: boolean;
  },
  onClick: () => void,
) => Shown;

/**
 * The notifications that this tab has shown. One that stays on the screen would go on crying
 * after its incident is over: it is then replaced by one that says so, without a sound, and
 * taken away once somebody has acknowledged it.
 */
export class ShownNotices {
  private readonly byTag = new Map<string, Shown>();

  constructor(
    private readonly open: ShowNotice,
    private readonly go: (href: string) => void,
  ) {}

  show(notice: IncidentNotice): void {
    const shown = this.open(
      notice.title,
      {
        body: notice.body,
        tag: notice.tag,
        requireInteraction: notice.isSticky,
        // Only what has just opened may wake somebody.
        silent: notice.isOver,
      },
      () => {
        shown.close();
        this.byTag.delete(notice.tag);
        this.go(notice.href);
      },
    );
    if (notice.isOver) this.byTag.delete(notice.tag);
    else this.byTag.set(notice.tag, shown);
  }

  /** What became of an incident; nothing where another tab had shown it. */
  follow({ change, incident }: LiveIncident): void {
    const { tag } = prepareNotice(incident);
    const shown = this.byTag.get(tag);
    if (shown === undefined || change === 'opened') return;
    shown.close();
    this.byTag.delete(tag);
    if (change === 'closed') this.show(prepareOverNotice(incident));
  }
}
