import type { Page } from 'playwright-core';
import { waitForHeatmap } from './run-page';

export const RECORDED_RUN = 'B_spontaneous_spike';

/** A page, or something open on it, as everybody has to be able to read it. */
interface Screen {
  readonly name: string;
  readonly path: string;
  /** Resolves once what the page asked for is there, and what is looked at is open. */
  readonly open: (page: Page) => Promise<unknown>;
  /** A reply that is no success is part of what is looked at. */
  readonly hasFailure?: boolean;
}

const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name }).waitFor();
const seen = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();
const firstImage = (page: Page) => page.getByRole('img').first().waitFor();

/** Every page and dialog over runs that are stored; `{spike}` is the id of a spike of the recorded one. */
export const SCREENS: readonly Screen[] = [
  {
    name: 'the runs list',
    path: '/',
    open: (page) =>
      page
        .getByRole('img', { name: /^Loss of/ })
        .first()
        .waitFor(),
  },
  {
    name: 'the runs list without a match',
    path: '/?q=nothing-is-called-that',
    open: (page) => seen(page, 'No run matches.'),
  },
  {
    name: 'runs compared',
    path: `/?runs=seen,${RECORDED_RUN}&losses=over&settings=all`,
    open: (page) => page.getByRole('figure', { name: 'Losses of the chosen runs' }).waitFor(),
  },
  { name: 'a run', path: `/runs/${RECORDED_RUN}`, open: waitForHeatmap },
  {
    name: 'a run in the layout of the paper',
    path: `/runs/${RECORDED_RUN}?layout=paper`,
    open: waitForHeatmap,
  },
  {
    name: 'a run with its crosshair pinned and its stages shown',
    path: '/runs/seen?step=40&layer=2&loss=linear&order=type',
    open: waitForHeatmap,
  },
  {
    name: 'a run within another page',
    path: `/runs/${RECORDED_RUN}?embed=1`,
    open: waitForHeatmap,
  },
  {
    name: 'a run without frames',
    path: '/runs/silent',
    open: (page) => seen(page, /^No frames yet/),
  },
  {
    name: 'a run that is none',
    path: '/runs/nowhere',
    open: (page) => seen(page, 'There is no such run.'),
    hasFailure: true,
  },
  { name: 'a layer', path: '/runs/seen/layers/2?step=40', open: firstImage },
  {
    name: 'a layer without distributions',
    path: '/runs/silent/layers/0',
    open: (page) => seen(page, /posts no distributions/),
    hasFailure: true,
  },
  {
    name: 'a layer that is none',
    path: '/runs/seen/layers/99',
    open: (page) => seen(page, /has no layer 99/),
  },
  {
    name: 'a postmortem',
    path: `/runs/${RECORDED_RUN}/spikes/{spike}`,
    open: firstImage,
  },
  {
    name: 'a postmortem of a spike that is none',
    path: `/runs/${RECORDED_RUN}/spikes/nothing`,
    open: (page) => page.getByRole('alert').first().waitFor(),
    hasFailure: true,
  },
  {
    name: 'spikes of all runs in groups',
    path: '/spikes?groupBy=mover_layer',
    open: (page) => page.getByRole('table', { name: /^Spikes by/ }).waitFor(),
  },
  {
    name: 'spikes of all runs where none matches',
    path: '/spikes?layer=nowhere',
    open: (page) => seen(page, 'No spike matches.'),
  },
  {
    name: 'a question that is none',
    path: '/spikes?layer=/(/',
    open: (page) =>
      page
        .getByRole('alert')
        .filter({ hasText: /^Layer: / })
        .waitFor(),
    hasFailure: true,
  },
  {
    name: 'stages of all runs',
    path: '/spikes?view=stages&stages.stage=recovering',
    open: (page) => seen(page, /^(No layer reached|Showing)/),
  },
  {
    name: 'batches of all runs',
    path: '/spikes?view=recurring',
    open: (page) => seen(page, /^No two runs say/),
  },
  {
    name: 'two courses compared',
    path: `/compare?left=${RECORDED_RUN}~1~318&right=${RECORDED_RUN}~1~552`,
    open: (page) => page.getByRole('img', { name: /^Loss and gradient norm of/ }).waitFor(),
  },
  {
    name: 'what a course can be compared with',
    path: `/compare?left=${RECORDED_RUN}~1~318`,
    open: (page) => page.getByRole('heading', { name: 'Spikes of other runs' }).waitFor(),
  },
  {
    name: 'a run with an open incident',
    path: '/runs/alarmed',
    open: (page) => page.getByRole('link', { name: 'Open in alerts' }).waitFor(),
  },
  {
    name: 'the incidents',
    path: '/alerts',
    open: (page) => page.getByRole('button', { name: /^Acknowledge/ }).waitFor(),
  },
  {
    name: 'the incidents of a project without any',
    path: '/alerts?project=char-lm',
    open: (page) => seen(page, 'No incidents.'),
  },
  {
    name: 'the name that an acknowledgement asks for',
    path: '/alerts',
    open: async (page) => {
      await page.getByRole('button', { name: /^Acknowledge/ }).click();
      await dialog(page, /^Acknowledge/);
    },
  },
  {
    name: 'the rules of a project',
    path: '/alerts?part=rules&project=alarms',
    open: (page) => page.getByRole('button', { name: 'Edit Silent' }).waitFor(),
  },
  {
    name: 'a project without rules',
    path: '/alerts?part=rules&project=char-lm',
    open: (page) => seen(page, 'Nothing watches char-lm yet.'),
  },
  {
    name: 'a new rule that is being tried',
    path: '/alerts?part=rules&project=char-lm&rule=new',
    open: (page) => page.getByRole('heading', { name: /^Twice/ }).waitFor(),
  },
  {
    name: 'a rule with faults',
    path: '/alerts?part=rules&project=char-lm&rule=new',
    open: async (page) => {
      await page.getByLabel('Condition', { exact: true }).selectOption('z_score');
      await page.getByLabel(/^Distance/).fill('0.5');
      await seen(page, /^Distance: expected/);
    },
  },
  {
    name: 'the channels of a project',
    path: '/alerts?part=channels&project=alarms',
    open: (page) => page.getByRole('button', { name: 'Test on call' }).waitFor(),
  },
  {
    name: 'the dialog of a new channel',
    path: '/alerts?part=channels&project=alarms',
    open: async (page) => {
      await page.getByRole('button', { name: 'New channel' }).click();
      await dialog(page, 'New channel');
      await page.getByRole('button', { name: 'Make the channel' }).click();
      await seen(page, /^Address: expected/);
    },
  },
  {
    name: 'an address without a page',
    path: '/elsewhere',
    open: (page) => seen(page, /There is no page/),
    hasFailure: true,
  },
  {
    name: 'the API reference',
    path: '/api-reference',
    open: (page) => seen(page, '/api/v1/runs/{id}/frames'),
  },
  {
    name: 'the sign-in page',
    path: '/sign-in',
    open: (page) => page.getByLabel(/token/i).waitFor(),
  },
  {
    name: 'the sign-in page after a token that is not known',
    path: '/sign-in?error=invalid_token',
    open: (page) => seen(page, /not known or was revoked/),
  },
  {
    name: 'the palette',
    path: `/runs/${RECORDED_RUN}`,
    open: async (page) => {
      await waitForHeatmap(page);
      await page.keyboard.press('Control+k');
      await dialog(page, 'Search');
      await page.keyboard.type('h.3');
      await page.getByRole('option', { name: /^h\.3/ }).first().waitFor();
    },
  },
  {
    name: 'the drawer of shortcuts',
    path: `/runs/${RECORDED_RUN}`,
    open: async (page) => {
      await waitForHeatmap(page);
      await page.keyboard.press('?');
      await dialog(page, 'Shortcuts');
    },
  },
  {
    name: 'the menu of a chart',
    path: `/runs/${RECORDED_RUN}`,
    open: async (page) => {
      await waitForHeatmap(page);
      await page.getByRole('button', { name: 'Loss: picture, numbers, table' }).click();
      await page.getByRole('menu', { name: 'Loss' }).waitFor();
    },
  },
  {
    name: 'the table of a chart',
    path: `/runs/${RECORDED_RUN}`,
    open: async (page) => {
      await waitForHeatmap(page);
      await page.getByRole('button', { name: 'Loss: picture, numbers, table' }).click();
      await page.getByRole('menuitem', { name: 'Show as table' }).click();
      await dialog(page, /^Loss of/);
    },
  },
  {
    name: 'the dialog that edits a run',
    path: '/',
    open: async (page) => {
      await page.getByRole('link', { name: RECORDED_RUN, exact: true }).focus();
      await page.keyboard.press('e');
      await dialog(page, `Edit ${RECORDED_RUN}`);
    },
  },
];
