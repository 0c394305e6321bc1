import { failure, numberIn, type Parser, untimed } from "./report.ts";

/** The `spec` reporter of `node --test`; its `tap` reporter is read by tap.ts. */
export const parseNodeSpec: Parser = (output) => {
  if (!/^ℹ tests \d+$/m.test(output) || !/^ℹ pass \d+$/m.test(output)) return undefined;
  const total = (key: string) =>
    [...output.matchAll(new RegExp(`^ℹ ${key} (\\d+)$`, "gm"))].reduce((sum, match) => sum + Number(match[1]), 0);
  const details = failingTests(output);
  const failed: string[] = [];
  const passed: string[] = [];
  const groups: { indent: number; title: string }[] = [];
  for (const line of output.split(/^✖ failing tests:$/m)[0]!.split("\n")) {
    const entry = /^( *)(✔|✖|▶) (.*)$/.exec(line);
    if (!entry) continue;
    const indent = entry[1]!.length;
    while (groups.length > 0 && groups.at(-1)!.indent > indent) groups.pop();
    if (/ # (SKIP|TODO)/.test(entry[3]!)) continue;
    const title = untimed(entry[3]!);
    const closes = groups.at(-1)?.indent === indent;
    if (closes) groups.pop();
    const name = [...groups.map((group) => group.title), title].join(" > ");
    if (entry[2] === "▶") groups.push({ indent, title });
    else if (!closes) (entry[2] === "✔" ? passed : failed).push(name);
  }
  const seen = new Map<string, number>();
  const failures = failed.map((name) => {
    const title = name.split(" > ").at(-1)!;
    const same = details.filter((detail) => detail.title === title || name.endsWith(detail.title));
    const nth = seen.get(title) ?? 0;
    seen.set(title, nth + 1);
    const detail = same[nth] ?? same[0];
    return failure(name, detail?.location, detail?.message);
  });
  const count = { failed: total("fail") + total("cancelled"), skipped: total("skipped") + total("todo") };
  return { counts: { passed: total("pass"), ...count }, failures, passed };
};

/** The list at the end: `test at a.test.js:3:1`, `✖ title (1ms)`, then the error, indented. */
function failingTests(output: string): { title: string; location: string; message: string }[] {
  return output
    .split(/^test at /m)
    .slice(1)
    .map((part) => {
      const [place = "", heading = "", ...rest] = part.split("\n");
      const stack = rest.findIndex((line) => /^\s+at |^\S/.test(line));
      return {
        title: untimed(heading.replace(/^✖ /, "")),
        location: `${place.replace(/:\d+:\d+$/, "")}:${numberIn(place, /:(\d+):\d+$/)}`,
        message: rest
          .slice(0, stack < 0 ? 10 : stack)
          .join("\n")
          .trim(),
      };
    });
}
