import type { Failure } from "../../contracts/evidence.ts";
import { failure, type Parser } from "./report.ts";

/** `cargo test`: libtest's text, one block per target. Names begin with the target, so that they are unique. */
export const parseCargo: Parser = (output) => {
  const totals = [...output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm)];
  if (totals.length === 0) return undefined;
  const sum = (group: number) => totals.reduce((total, match) => total + Number(match[group]), 0);
  const details = panics(output);
  const failures: Failure[] = [];
  const passed: string[] = [];
  let target = "";
  for (const line of output.split("\n")) {
    const heading = /^ +(?:Running .*[/\\](\w+)-[0-9a-f]{16}(?:\.exe)?\)|Doc-tests (\S+))$/.exec(line);
    if (heading) target = heading[1] ?? `${heading[2]} (docs)`;
    const result = /^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED)$/.exec(line);
    if (!result) continue;
    const name = target ? `${target}::${result[1]}` : result[1]!;
    if (result[2] === "ok") passed.push(name);
    else failures.push(failure(name, details.get(result[1]!)?.location, details.get(result[1]!)?.message));
  }
  return { counts: { passed: sum(1), failed: sum(2), skipped: sum(3) }, failures, passed };
};

/** `---- name stdout ----`, then the panic with its place; before Rust 1.73 the place came after the message. */
function panics(output: string): Map<string, { location?: string; message: string }> {
  const found = new Map<string, { location?: string; message: string }>();
  for (const part of output.split(/^---- /m).slice(1)) {
    const name = /^(.+?) stdout ----$/m.exec(part)?.[1];
    if (name === undefined) continue;
    const body = part.split(/^(?:stack backtrace:|note: |failures:)/m)[0]!;
    const panic = /panicked at (?:'([\s\S]*?)', )?(\S+?):(\d+):\d+:?(?:\n([\s\S]*))?/.exec(body);
    const message = panic?.[1] ?? panic?.[4] ?? body.split("\n").slice(1).join("\n");
    found.set(name, { ...(panic ? { location: `${panic[2]}:${panic[3]}` } : {}), message });
  }
  return found;
}
