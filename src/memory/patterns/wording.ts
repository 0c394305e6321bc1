import { plural } from "../../base/text.ts";
import { DAY_MINUTES } from "./local-time.ts";
import type { When } from "./pattern.ts";
import { namedDays } from "./times.ts";

const NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** `every weekday about 9`, `every Monday`, `every Monday and Thursday about 16:30`. */
export function whenInWords({ minute, weekdays }: When): string {
  const monday = (day: number) => (day + 6) % 7;
  const listed = weekdays.toSorted((a, b) => monday(a) - monday(b)).map((day) => NAMES[day]!);
  const days = namedDays(weekdays) ?? `every ${listed.join(", ").replace(/, (?=\w+$)/, " and ")}`;
  return minute === null ? days : `${days} about ${clockInWords(minute)}`;
}

/** `9`, `16:30`. */
function clockInWords(minute: number): string {
  const half = toHalfHour(minute);
  const hour = Math.floor(half / 60);
  return half % 60 === 0 ? String(hour) : `${hour}:30`;
}

/** As cron writes what is said in words: minute, hour, any day of the month, any month, weekdays. */
export function whenAsCron({ minute, weekdays }: When): string | undefined {
  if (minute === null) return undefined;
  const half = toHalfHour(minute);
  const days = weekdays.length === 7 ? "*" : weekdays.join(",") === "1,2,3,4,5" ? "1-5" : weekdays.join(",");
  return `${half % 60} ${Math.floor(half / 60)} * * ${days}`;
}

/** It is never exact. */
function toHalfHour(minute: number): number {
  return (Math.round(minute / 30) * 30) % DAY_MINUTES;
}

/** `5 times on 4 days`; `days` is the length of the stretch it was done in. */
export function oftenInWords(times: number, days: number, stretch: number): string {
  const weekly = (times / Math.max(7, stretch)) * 7;
  if (days >= 4 && weekly >= 1.5) return `about ${Math.round(weekly)} times a week`;
  return `${plural(times, "time")} on ${plural(days, "day")}`;
}
