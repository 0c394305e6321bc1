import type { UsageEvent } from "../../../src/contracts/memory.ts";
import { mine } from "../../../src/memory/patterns/mine.ts";
import type { MineOptions, Pattern } from "../../../src/memory/patterns/pattern.ts";

const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
/** A Sunday evening; logs are written back from here. */
export const NOW = Date.UTC(2026, 10, 29, 22, 0);

/** The moment `days` before the last day at this local time (`9:30`), for a user so many minutes ahead of UTC. */
export function back(days: number, clock: string, offset = 0): number {
  const [hour, minute] = clock.split(":").map(Number);
  return Date.UTC(2026, 10, 29 - days, hour, minute) - offset * MINUTE;
}

export function event(at: number, text: string, more: Partial<UsageEvent> = {}): UsageEvent {
  return { at, kind: "task", text, category: "code", outcome: "ok", session: `s${at}`, ...more };
}

/** One event on each of these days back, taking turns with texts and times of day. */
export function on(days: readonly number[], clocks: readonly string[], texts: readonly string[]): UsageEvent[] {
  return days.map((day, at) => event(back(day, clocks[at % clocks.length]!), texts[at % texts.length]!));
}

export function find(events: readonly UsageEvent[], more: Partial<MineOptions> = {}): Pattern[] {
  return mine(events, { now: NOW, offsetAt: () => 0, minConfidence: 0.7, minSamples: 3, ...more });
}

export function ofKind(kind: Pattern["kind"], events: readonly UsageEvent[], more: Partial<MineOptions> = {}) {
  return find(events, more).filter((pattern) => pattern.kind === kind);
}

/** Days back that are a Monday to Friday, the last 30 days. */
export const WORKDAYS = Array.from({ length: 29 }, (_, day) => day).filter((day) => ![0, 1].includes(day % 7));

/** Tasks of a busy life of which none is like another, at any time of day, two a day. */
export function life(): UsageEvent[] {
  return ONCE.map((text, at) => {
    const minute = (at * 389) % 600;
    return event(back(at % 29, `${8 + Math.floor(minute / 60)}:${minute % 60}`), text);
  });
}

const ONCE = `fix the crash when the cart is empty
explain how the borrow checker works
rename the settings page to preferences
add dark mode to the login screen
why does the build take twice as long on arm
translate the onboarding mails into Spanish
find the slowest query of the orders table
write a regex for Dutch postcodes
convert the cron job to a systemd timer
make the header sticky on small screens
port the parser to the new tokenizer
compare Postgres and SQLite for our use
draw an architecture diagram as mermaid
remove the unused feature flags
sort imports alphabetically everywhere
explain monads with an example in Rust
calculate compound interest in a spreadsheet
set up a GitHub Action for linting
shorten the error messages of the importer
split the monolith's billing module
write a limerick about garbage collection
check whether the licence permits reselling
extract phone numbers out of the contact list
design a schema for bookings of rooms
profile memory of the image resizer
invent names for a coffee machine
upgrade webpack and mend what breaks
decode this JWT and say what is in it
undo the styling of the footer
plan a workshop about accessibility
teach me the basics of Kubernetes networking
implement pagination for the search results
mock the payment gateway in integration tests
estimate hosting costs in Frankfurt
simplify the retry logic of the queue worker
generate fixtures with realistic addresses
document the environment variables
replace moment by the built-in date functions
count how many users have two accounts
diagnose flaky websocket reconnects
write an apology to a disappointed customer
tidy up the changelog's formatting
bundle fonts locally instead of loading them
propose a colour palette with good contrast
handle leap seconds in the scheduler
reproduce the race in the cache warmer
cut the video into three clips
rewrite the privacy page in plain words`.split("\n");
