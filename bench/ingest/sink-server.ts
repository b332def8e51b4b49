/** A server that reads posts of frames and acknowledges them: the floor under every product. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((request, response) => {
  // Steps are acknowledged as the generator counts them: it says so in a header of its own.
  const accepted = Number(request.headers['x-steps'] ?? 0);
  request.on('data', () => undefined);
  request.on('end', () => {
    const body = JSON.stringify({ accepted });
    response.writeHead(200, { 'Content-Length': body.length });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port);
});
process.once('disconnect', () => process.exit());
