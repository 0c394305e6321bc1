/**
 * The same function, which works once for each object and keeps what it gave as long as the object lives. For objects that
 * nobody changes: a conversation's messages are asked of with every request, and each request has all of the one before.
 */
export function oncePer<K extends object, V extends object | string | number | boolean>(
  make: (of: K) => V,
): (of: K) => V {
  const known = new WeakMap<K, V>();
  return (of) => {
    const before = known.get(of);
    if (before !== undefined) return before;
    const value = make(of);
    known.set(of, value);
    return value;
  };
}
