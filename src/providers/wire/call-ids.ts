/** Ids of tool calls, which vendors make in different forms and some not at all. */

/** An id for a call that came without one: unique in the conversation, and the same whenever the same response is read. */
export function madeId(response: string, position: number): string {
  return `call_${Bun.hash(`${response || crypto.randomUUID()}:${position}`).toString(36)}`;
}

/** Another model's id may be too long; the short one is made from all of it, so that calls and results still meet. */
export function shortened(id: string, max: number | undefined): string {
  if (max === undefined || id.length <= max) return id;
  const hash = Bun.hash(id).toString(36);
  return `${id.slice(0, max - hash.length - 1)}_${hash}`;
}
