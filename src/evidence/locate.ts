import { existsSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { readRegular } from "../base/files.ts";

/** Where a class's path begins in Maven's and Gradle's layout. */
const SOURCE_ROOTS = ["src/test/java", "src/test/kotlin", "src/main/java", "src/main/kotlin"];

/**
 * A place as a runner printed it (`/work/a.js:3:7`, `file:///work/a.js:3`, `example.com/mod/sub/a_test.go:4`), as
 * `file:line` relative to the workspace. Runners count paths from different folders, so the longest end of the path
 * that exists in `cwd` or the workspace is taken. Undefined where the file is none of the workspace's.
 */
export function locate(printed: string, cwd: string, workspace: string): string | undefined {
  const match = /^(?:file:\/\/)?(.+?):(\d+)(?::\d+)?$/.exec(printed.trim());
  if (!match) return undefined;
  const [, path, line] = match as unknown as [string, string, string];
  if (isAbsolute(path)) {
    const inside = below(path, workspace);
    if (inside !== undefined && existsSync(path)) return `${inside}:${line}`;
  }
  const parts = path.split(/[\\/]/).filter((part) => part !== "" && part !== ".");
  const bases = [cwd, workspace, ...SOURCE_ROOTS.map((root) => join(cwd, root))];
  for (let from = 0; from < parts.length; from++) {
    for (const base of bases) {
      const full = join(base, ...parts.slice(from));
      const inside = below(full, workspace);
      if (inside !== undefined && existsSync(full)) return `${inside}:${line}`;
    }
    // A part of an absolute path that merely looks like one of ours says nothing.
    if (isAbsolute(path)) return undefined;
  }
  return undefined;
}

/** A larger file is not searched, bytes. */
const SEARCHED = 1024 * 1024;

/** What stands before the name of a test: `test(`, `it.skip(`, `test.each([1, 2])(`, but not in a comment. */
const TEST_CALL = /^\s*(?:await\s+)?(?:test|it)\b[^"'`/]*\(\s*$/;

/**
 * Where a test stands whose failure names no line (an assertion that is the whole body of an arrow leaves no stack):
 * `file > group > name` is sought as what `test(` or `it(` is given. Undefined where that is not found, or more than once.
 */
export function locateTest(name: string, cwd: string, workspace: string): string | undefined {
  const [, file, own] = /^(\S+\.[cm]?[jt]sx?) > (?:.+ > )?(.+)$/.exec(name) ?? [];
  const place = file === undefined ? undefined : locate(`${file}:1`, cwd, workspace);
  if (place === undefined || own === undefined) return undefined;
  const path = place.slice(0, -":1".length);
  const text = readRegular(join(workspace, path), SEARCHED)?.toString();
  const quoted = ["'", '"', "`"].map((quote) => quote + own + quote);
  const found = (text?.split("\n") ?? []).flatMap((line, at) => {
    const isTest = quoted.some((each) => TEST_CALL.test(line.split(each, 1)[0]!) && line.includes(each));
    return isTest ? [at + 1] : [];
  });
  return found.length === 1 ? `${path}:${found[0]}` : undefined;
}

function below(path: string, workspace: string): string | undefined {
  const inside = relative(workspace, path).replaceAll("\\", "/");
  return inside === "" || inside.startsWith("../") || isAbsolute(inside) ? undefined : inside;
}
