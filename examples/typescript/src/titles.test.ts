import { expect, test } from "bun:test";
import { days, slug } from "./titles.ts";

test("a slug is in lower case", () => {
  expect(slug("Hello World")).toBe("hello-world");
});

test("several days are counted", () => {
  expect(days(3)).toBe("3 days");
});

test("none are several", () => {
  expect(days(0)).toBe("0 days");
});

test("one day is one day", () => {
  expect(days(1)).toBe("1 day");
});
