/** Small functions on text that people or models read. */

/**
 * Fills `{{name}}` in a template. Every slot must be given and every given slot must occur: anything else is a bug in
 * our own prompts, so it throws.
 */
export function fill(template: string, slots: Readonly<Record<string, string>>): string {
  const used = new Set<string>();
  // One pass: a value that itself holds `{{…}}` is left alone.
  const filled = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = Object.hasOwn(slots, name) ? slots[name] : undefined;
    if (value === undefined) throw new Error(`the template's slot {{${name}}} was not given`);
    used.add(name);
    return value;
  });
  const unused = Object.keys(slots).filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`the template has no slot {{${unused.join("}}, {{")}}}`);
  return filled;
}

/** `1 file`, `2 files`; `many` where the plural is not made with an s. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Long lists of long words would be slow to compare, and nobody mistypes a whole sentence. */
const MAX_WORD = 64;

/**
 * The candidate that `word` most probably was meant to be, for "did you mean"; undefined where none is near: at most
 * one edit for every three characters, and no more than `most`.
 */
export function closest<Word extends string>(
  word: string,
  candidates: Iterable<Word>,
  most = MAX_WORD,
): Word | undefined {
  if (word.length === 0 || word.length > MAX_WORD) return;
  const lower = word.toLowerCase();
  let best: Word | undefined;
  let bestDistance = Math.min(most, Math.max(1, Math.floor(word.length / 3))) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (Damerau-Levenshtein, optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, before[j - 2]! + 1);
      }
      row.push(distance);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** At most `max` UTF-16 units: the beginning and `…`. Never cuts a character in two. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  return max < 1 ? "" : `${wholeStart(text, max - 1)}…`;
}

/**
 * Keeps beginning and end and says what is missing between them, and `more` behind it. The result is at most `max`
 * UTF-16 units plus the notice.
 */
export function truncateMiddle(text: string, max: number, more = ""): string {
  if (text.length <= max) return text;
  const head = wholeStart(text, Math.ceil(max / 2));
  let tail = text.slice(text.length - Math.floor(max / 2));
  if (isLowSurrogate(tail.charCodeAt(0))) tail = tail.slice(1);
  const missing = text.length - head.length - tail.length;
  return `${head}\n… ${plural(missing, "character")} left out${more} …\n${tail}`;
}

/** Every line of a text moved to the right by so many spaces. */
export function indent(text: string, spaces: number): string {
  return text.replace(/^/gm, " ".repeat(spaces));
}

/** The tag in which this program speaks to models: what stands in it is nobody else's. */
export const OWN_TAG = "openkoi";

/**
 * A text as the content of a tag, for models: who reads it sees where it begins and where it ends. It cannot end the tag
 * itself, nor begin or end one of this program's, however that is written.
 */
export function enclose(tag: string, text: string): string {
  return `<${tag}>\n${withoutVoice(escapeTag(text, tag, "/"))}\n</${tag}>`;
}

/** Somebody's text for models, in which no tag reads like this program's own. */
export function withoutVoice(text: string): string {
  return escapeTag(text, OWN_TAG, "/?");
}

/** Puts a backslash behind the `<`. `slash`: a pattern. Models read `</ OpenKoi >` as what it means. */
function escapeTag(text: string, tag: string, slash: string): string {
  const gap = "[\\s\\p{Cf}]*";
  return text.replace(new RegExp(`<(?=${gap}${slash}${gap}${tag}(?![\\w-]))`, "giu"), "<\\");
}

function wholeStart(text: string, length: number): string {
  return text.slice(0, isLowSurrogate(text.charCodeAt(length)) ? length - 1 : length);
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** The first line that is not blank, trimmed; "" where there is none. */
export function firstLine(text: string): string {
  return /\S[^\r\n]*/.exec(text)?.[0].trimEnd() ?? "";
}

/**
 * Takes away everything by which text could steer a terminal: escape sequences (colours, titles, cursor, clipboard,
 * links), control characters other than newline and tab, and the characters that reverse the direction of writing.
 * `\r\n` becomes `\n`; another `\r` becomes a newline, so that overwritten lines stay visible.
 */
export function stripControl(text: string): string {
  if (!/[^\n\t\x20-\x7e\xa0-\u061b\u061d-\u200d\u2010-\u2027\u202f-\u2065\u206a-\uffff]/.test(text)) return text;
  return (
    text
      // OSC, DCS, APC, PM and SOS strings, up to BEL or ST, or the line's end where none comes.
      .replace(/(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?/g, "")
      // CSI, then the other escapes.
      .replace(/(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?/g, "")
      .replace(/\x1b[ -/]*[0-~]?/g, "")
      .replace(/\r\n?/g, "\n")
      .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
  );
}

/**
 * Writes out what `stripControl` takes away, and what is not seen at all, as `\x1b` and `\u202e`: where a person
 * decides about a text, nothing of it may be hidden, and an escape sequence can hide a whole command.
 */
export function showControl(text: string): string {
  // U+FE0F only makes the sign before it a picture.
  return text.replace(/\r\n/g, "\n").replace(/(?![\n\t]|\ufe0f)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/gu, (char) => {
    const code = char.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** `$0`, `$0.0042`, `$1.50`. Two digits from a cent on, four below. */
export function formatUsd(usd: number): string {
  if (usd === 0) return "$0";
  const size = Math.abs(usd);
  const text = size >= 0.01 ? size.toFixed(2) : size >= 0.00005 ? size.toFixed(4) : "<0.0001";
  return `${usd < 0 ? "-" : ""}$${text}`.replace("$<", "<$");
}

/** `0.79`: two digits, rounded down, so that what is below 0.80 never reads like it. */
export function formatScore(score: number): string {
  return (Math.floor(score * 100 + 1e-9) / 100).toFixed(2);
}

/** `340 ms`, `4.2 s`, `1 m 05 s`, `2 h 03 m`. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1000) return `${whole} ms`;
  if (whole < 59_950) return `${(whole / 1000).toFixed(1)} s`;
  const seconds = Math.round(whole / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

/** `640 B`, `12 KB`, `3.4 MB`; thousands, as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = Math.max(0, bytes);
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${value < 9.95 && at > 0 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

/** `950`, `1.2k`, `45k`, `1.3M`. */
export function formatTokens(count: number): string {
  if (count < 1000) return String(Math.round(count));
  if (count < 9_950) return `${(count / 1000).toFixed(1)}k`;
  if (count < 999_500) return `${Math.round(count / 1000)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}
