/** Why a message did not arrive; its text is shown to whoever set the channel up. */
export class OutgoingError extends Error {
  override readonly name = 'OutgoingError';
}
