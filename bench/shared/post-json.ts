/** The reply's body. Throws with it where the API does not take what is posted. */
export async function postJson(url: string, path: string, value: unknown): Promise<unknown> {
  const reply = await fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
  });
  // Read whole before it is judged: what is timed ends with the body.
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${text}`);
  return JSON.parse(text);
}
