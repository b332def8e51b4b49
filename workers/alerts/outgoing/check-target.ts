import { isIP } from 'node:net';
import type { ChannelTarget } from '../../../lib/contract/alert-channels';
import { AppError } from '../../../lib/contract/app-error';
import { isHostAllowed } from './allowed-hosts';
import { hostOf, refusal } from './find-addresses';
import { judgeAddress } from './judge-address';

/**
 * What can be said of a target without asking a name server: an address that is written out,
 * and the names that stand for this machine. A name is judged by its addresses when a message
 * is sent, every time: what it leads to may change.
 *
 * Throws  AppError `address_not_allowed`
 */
export function checkTarget(target: ChannelTarget, allowedHosts: readonly string[]): void {
  if (target.kind === 'email') return;
  const url = new URL(target.url);
  const host = hostOf(url);
  const isLocalName = host === 'localhost' || host.endsWith('.localhost');
  const literal = isIP(host) === 0 ? null : judgeAddress(host);
  const reason = isLocalName ? 'a loopback address' : literal;
  if (reason === null || isHostAllowed(url, allowedHosts)) return;
  const message = refusal(url, reason);
  throw new AppError('address_not_allowed', `target.url: ${message}`, {
    details: [{ path: 'target.url', message }],
  });
}
