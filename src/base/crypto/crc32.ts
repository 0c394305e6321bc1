/** CRC-32 as in ISO 3309, zip and gzip: polynomial 0xEDB88320, reflected. */

/**
 * Made at the first use: eight tables of 256 entries, one after the other. Signed, because the whole sum is then done in
 * integers: a fifth less time.
 */
let tables: Int32Array | undefined;

/**
 * The checksum of `bytes[start, end)`. `before`: the checksum of what came before, so that a long input can be summed in
 * pieces. Eight bytes at a time ("slicing by eight", Kounavis and Berry 2005).
 */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length, before = 0): number {
  tables ??= makeTables();
  const t = tables;
  let crc = ~before;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      t[1792 + (low & 255)]! ^
      t[1536 + ((low >>> 8) & 255)]! ^
      t[1280 + ((low >>> 16) & 255)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = t[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at++) {
    const before = made[at - 256]!;
    made[at] = made[before & 255]! ^ (before >>> 8);
  }
  return made;
}
