import { crc32 } from "node:zlib";

/** One message of a binary event stream, made by the format's description and with the runtime's own CRC. */
export function eventMessage(
  headers: Record<string, string> | Uint8Array,
  payload: Uint8Array,
  lies: { total?: number; headers?: number } = {},
): Uint8Array {
  const block =
    headers instanceof Uint8Array ? Buffer.from(headers) : Buffer.concat(Object.entries(headers).map(header));
  const total = 12 + block.length + payload.length + 4;
  const message = Buffer.alloc(total);
  message.writeUInt32BE(lies.total ?? total, 0);
  message.writeUInt32BE(lies.headers ?? block.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  block.copy(message, 12);
  message.set(payload, 12 + block.length);
  message.writeUInt32BE(crc32(message.subarray(0, total - 4)), total - 4);
  return new Uint8Array(message);
}

/** Of type 7, a string. */
function header([name, value]: [string, string]): Buffer {
  const words = Buffer.from(value);
  const start = Buffer.from([Buffer.byteLength(name), ...Buffer.from(name), 7, words.length >> 8, words.length & 255]);
  return Buffer.concat([start, words]);
}
