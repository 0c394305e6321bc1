/** 4 or 6 for an address of that version, 0 for anything else. Loads the module only now: at a start it would take 3 ms. */
export function isIP(address: string): number {
  return process.getBuiltinModule("node:net").isIP(address);
}

/**
 * True for an address that is reached over the public internet: not this machine, a private or link-local network, a
 * cloud's metadata service, a multicast group or a range that is set aside (IANA special-purpose address registries;
 * of IPv6 only 2000::/3, and an IPv4 address inside counts as itself). False for what is no address.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return isPublicV4(address.split(".").map(Number));
    case 6:
      return isPublicV6(groupsOf(address));
    default:
      return false;
  }
}

/** First bytes of a range, and how many bits of them count. */
const RESERVED_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

function isPublicV4(bytes: readonly number[]): boolean {
  const value = numberOf(bytes);
  return !RESERVED_V4.some(([start, bits]) => {
    const shift = 32 - bits;
    return value >>> shift === numberOf(start.split(".").map(Number)) >>> shift;
  });
}

function numberOf(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => ((value << 8) | byte) >>> 0, 0);
}

function isPublicV6(groups: readonly number[]): boolean {
  const embedded = () => [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255];
  // ::ffff:a.b.c.d is IPv4 in another dress, 64:ff9b::a.b.c.d is IPv4 behind a translator.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return isPublicV4(embedded());
  if (groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every((group) => group === 0)) {
    return isPublicV4(embedded());
  }
  const [first, second] = [groups[0]!, groups[1]!];
  // Protocol assignments (Teredo among them), documentation, 6to4: tunnels lead elsewhere.
  const special = (first === 0x2001 && (second < 0x200 || second === 0xdb8)) || first === 0x2002 || first === 0x3fff;
  return first >> 13 === 1 && !special;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const plain = address.replace(/%.*$/, "").replace(/\d+\.\d+\.\d+\.\d+$/, (v4) => {
    const value = numberOf(v4.split(".").map(Number));
    return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const parse = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const [before, after] = [parse(head), parse(tail ?? "")];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
