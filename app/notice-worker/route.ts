/**
 * The service worker that owns notifications: Android shows none without one, and those that
 * it owns outlive the tab that showed them. It answers clicks and nothing else; no request
 * passes through it.
 */
const SCRIPT = `
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(lead(event.notification.data.href));
});

async function lead(href) {
  const tabs = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  for (const tab of tabs) {
    try {
      await tab.focus();
      await tab.navigate(href);
      return;
    } catch {
      // A tab that this worker may not lead, or that is going away: the next, or a new one.
    }
  }
  await self.clients.openWindow(href);
}
`;

export const dynamic = 'force-static';

export function GET(): Response {
  return new Response(SCRIPT, {
    headers: { 'Content-Type': 'text/javascript; charset=utf-8', 'Cache-Control': 'no-cache' },
  });
}
