import { createHmac } from 'node:crypto';

export const SIGNATURE_HEADER = 'Spikescope-Signature';
/** Of the message, as its body says it. */
export const ID_HEADER = 'Spikescope-Id';

/**
 * `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 by the channel's secret over the seconds, a dot and the
 * body's bytes. The time is signed with the body, so that a receiver can refuse an old message that
 * somebody plays back.
 */
export function sign(secret: string, body: string, now: Date): string {
  const seconds = Math.floor(now.getTime() / 1000);
  const code = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${code}`;
}
