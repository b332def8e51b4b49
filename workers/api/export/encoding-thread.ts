/** Writes the files of all exports, beside the thread that answers requests. */
import { parentPort } from 'node:worker_threads';
import type { EncodingReply, EncodingRequest } from './encoding-messages';
import { createFileEncoder, type FileEncoder } from './file-encoder';

const port = parentPort;
if (port === null) throw new Error('expected to be a thread');
const encoders = new Map<number, FileEncoder>();

port.on('message', (request: EncodingRequest) => {
  const { file } = request;
  if (request.kind === 'open') {
    encoders.set(file, createFileEncoder(request.format, request.columns));
  } else if (request.kind === 'close') encoders.delete(file);
  else {
    const reply = answer(request);
    port.postMessage(reply, reply.bytes === null ? [] : [reply.bytes.buffer]);
  }
});

function answer(request: EncodingRequest & { readonly kind: 'batch' | 'end' }): EncodingReply {
  const { file } = request;
  try {
    const encoder = encoders.get(file);
    if (encoder === undefined) throw new Error('the file is not open');
    if (request.kind === 'batch') {
      return { file, bytes: encoder.encode(request.batch), failure: null };
    }
    encoders.delete(file);
    return { file, bytes: encoder.end(), failure: null };
  } catch (error) {
    encoders.delete(file);
    return { file, bytes: null, failure: error instanceof Error ? error.message : String(error) };
  }
}
