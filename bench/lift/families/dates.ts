import type { Family } from "../rule.ts";

const weekday = (year: number, month: number, day: number) => new Date(Date.UTC(year, month - 1, day)).getUTCDay();
const clock = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

export const dates: Family = {
  name: "dates",
  about: "Calendar days and times of day. Times are written 09:30.",
  rules: [
    (random) => ({
      key: "leap",
      text: "A leap year is divisible by four; of the full centuries only every fourth is one.",
      label: "most centuries are common years",
      code: `function leap(y) {
  return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0
}`,
      good: "return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0",
      bad: "return y % 4 == 0",
      plain: ["leap(2024)", 1],
      guard: [`leap(${random.pick([1700, 1800, 1900])})`, 0],
      hidden: [
        [`leap(${random.pick([2100, 2200])})`, 0],
        ["leap(2000)", 1],
      ],
    }),
    () => ({
      key: "month_days",
      text: "Every month has its length; February is taken as 28 days.",
      label: "november is a short month",
      code: `function month_days(m) {
  if (m == 2) return 28
  if (m == 4 || m == 6 || m == 9 || m == 11) return 30
  return 31
}`,
      good: "if (m == 4 || m == 6 || m == 9 || m == 11) return 30",
      bad: "if (m == 4 || m == 6 || m == 9) return 30",
      plain: ["month_days(4)", 30],
      guard: ["month_days(11)", 30],
      hidden: [
        ["month_days(22 / 2)", 30],
        ["month_days(12)", 31],
      ],
    }),
    (random) => {
      const [late, early] = [random.int(20 * 60, 23 * 60), random.int(60, 5 * 60)];
      return {
        key: "span",
        text: "The time between two clock readings in minutes; a second one that is earlier belongs to the next day.",
        label: "night shifts cross midnight",
        code: `function span(from, to,    minutes) {
  minutes = substr(to, 1, 2) * 60 + substr(to, 4, 2)
  minutes -= substr(from, 1, 2) * 60 + substr(from, 4, 2)
  if (minutes < 0) minutes += 1440
  return minutes
}`,
        good: "if (minutes < 0) minutes += 1440",
        bad: "if (minutes < 0) minutes = 0",
        plain: ['span("09:30", "11:05")', 95],
        guard: [`span("${clock(late)}", "${clock(early)}")`, 1440 - late + early],
        hidden: [
          ['span("23:59", "00:01")', 2],
          ['span("10:00", "10:00")', 0],
        ],
      };
    },
    (random) => {
      const [year, day] = [random.int(1990, 2050), random.int(1, 28)];
      return {
        key: "weekday",
        text: "The day of the week of a date, 0 for Sunday.",
        label: "february dates fall on the right weekday",
        code: `function weekday(y, m, d,    offsets) {
  split("0 3 2 5 0 3 5 1 4 6 2 4", offsets, " ")
  if (m < 3) y--
  return (y + int(y / 4) - int(y / 100) + int(y / 400) + offsets[m] + d) % 7
}`,
        good: "if (m < 3) y--",
        bad: "if (m < 2) y--",
        plain: [`weekday(${year}, 6, ${day})`, weekday(year, 6, day)],
        guard: [`weekday(${year}, 2, ${day})`, weekday(year, 2, day)],
        hidden: [
          ["weekday(2024, 2, 29)", weekday(2024, 2, 29)],
          ["weekday(2023, 1, 1)", weekday(2023, 1, 1)],
        ],
      };
    },
    (random) => {
      const month = random.pick([3, 6, 9, 12]);
      return {
        key: "quarter",
        text: "The quarter of a month, 1 to 4.",
        label: "each third month closes its quarter",
        code: `function quarter(m) {
  return int((m + 2) / 3)
}`,
        good: "return int((m + 2) / 3)",
        bad: "return int(m / 3) + 1",
        plain: ["quarter(1)", 1],
        guard: [`quarter(${month})`, month / 3],
        hidden: [
          ["quarter(3)", 1],
          ["quarter(12)", 4],
          ["quarter(10)", 4],
        ],
      };
    },
    (random) => {
      const minute = random.int(10, 59);
      return {
        key: "clock12",
        text: "A time of day in twelve hours: 00:10 is 12:10 am, 13:05 is 1:05 pm.",
        label: "noon is twelve and not zero",
        code: `function clock12(time,    h, shown) {
  h = substr(time, 1, 2) + 0
  shown = h % 12
  if (shown == 0) shown = 12
  return shown substr(time, 3) (h < 12 ? " am" : " pm")
}`,
        good: "if (shown == 0) shown = 12",
        bad: "if (h == 0) shown = 12",
        plain: [`clock12("00:${minute}")`, `12:${minute} am`],
        guard: [`clock12("12:${minute}")`, `12:${minute} pm`],
        hidden: [
          ['clock12("12:00")', "12:00 pm"],
          ['clock12("23:01")', "11:01 pm"],
        ],
      };
    },
    (random) => {
      const until = random.int(9, 15);
      return {
        key: "collide",
        text: "Two bookings collide when they share time; one may begin at the moment when the other ends.",
        label: "back-to-back bookings are fine",
        code: `function collide(from, until, other_from, other_until) {
  return from < other_until && other_from < until
}`,
        good: "return from < other_until && other_from < until",
        bad: "return from <= other_until && other_from <= until",
        plain: ["collide(8, 12, 11, 14)", 1],
        guard: [`collide(8, ${until}, ${until}, 20)`, 0],
        hidden: [
          [`collide(${until}, 20, 8, ${until})`, 0],
          ["collide(1, 9, 3, 4)", 1],
        ],
      };
    },
  ],
};
