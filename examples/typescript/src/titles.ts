/** A title as a part of a URL: lower case, words joined by hyphens. */
export function slug(title: string): string {
  return title.trim().toLowerCase().split(" ").join("-");
}

/** How long something takes: `3 days`. */
export function days(count: number): string {
  return `${count} days`;
}
