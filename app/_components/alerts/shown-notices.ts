import type { LiveIncident } from '@/lib/contract/incidents';
import {
  incidentOfNotice,
  prepareNotice,
  prepareOverNotice,
  type IncidentNotice,
} from '@/lib/view/alerts/incidents-list';
import type { NoticeBoard } from './notice-board';

/**
 * The notifications on the screen. One that stays there would go on crying after its incident
 * is over: it is then replaced by one that says so, without a sound, and taken away once
 * somebody has acknowledged it. All tabs share a board: who acts for all of them is decided
 * by `claim`, which is true in one tab alone.
 */
export class ShownNotices {
  constructor(
    private readonly board: NoticeBoard,
    private readonly claim: (what: string) => Promise<boolean>,
  ) {}

  /** What opened, in one tab; rejects where the browser refuses it. */
  async open(notice: IncidentNotice): Promise<void> {
    if (await this.claim(notice.tag)) await this.show(notice);
  }

  /** What became of an incident; nothing where it has no notification. */
  async follow({ change, incident }: LiveIncident): Promise<void> {
    if (change === 'opened') return;
    const { tag } = prepareNotice(incident);
    const standing = await this.board.openTags();
    if (!standing.includes(tag)) return;
    if (change !== 'closed') await this.board.take(tag);
    else if (await this.claim(`${tag}-over`)) {
      await this.board.take(tag);
      await this.show(prepareOverNotice(incident));
    }
  }

  /** After a gap: takes away what stands for incidents that ask for nobody any more. */
  async catchUp(readWaiting: () => Promise<ReadonlySet<string> | null>): Promise<void> {
    const standing = await this.board.openTags();
    const known = standing.filter((tag) => incidentOfNotice(tag) !== null);
    if (known.length === 0) return;
    const waiting = await readWaiting();
    if (waiting === null) return;
    for (const tag of known) {
      const id = incidentOfNotice(tag);
      if (id !== null && !waiting.has(id)) await this.board.take(tag);
    }
  }

  private show({ title, body, tag, href, isSticky, isOver }: IncidentNotice): Promise<void> {
    return this.board.show(title, {
      ...{ body, tag, href, isOver },
      requireInteraction: isSticky,
      // Only what has just opened may wake somebody.
      silent: isOver,
    });
  }
}
