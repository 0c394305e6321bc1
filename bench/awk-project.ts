/** Small real projects in awk whose tests speak TAP. Awk, because a run of such a suite costs 4 ms (node: 80 ms). */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The test library: one line of TAP per check. `tells`: a failure says what was got and what was wanted. */
export const tapLibrary = (tells: boolean) => `function check(name, got, want) {
  tests++
  if (got "" == want "") {
    print "ok " tests " - " name
  } else {
    failed++
    print "not ok " tests " - " name
${tells ? '    print "# got " got ", want " want\n' : ""}  }
}
`;

export const TAP_END = `BEGIN {
  print "1.." tests
  exit failed > 0
}
`;

/** A suite for `make test`: the modules' sources and tests, each called by its name. */
export function makefile(names: readonly string[]): string {
  const programs = [
    ...names.map((name) => `src/${name}.awk`),
    "test/tap.awk",
    ...names.map((name) => `test/${name}.awk`),
  ];
  const flags = [...programs, "test/end.awk"].map((file) => `-f ${file}`).join(" ");
  return `.PHONY: test\ntest:\n\t@awk ${flags}\n`;
}

/** By path, into a folder that is there. */
export function writeFiles(files: Readonly<Record<string, string>>, folder: string): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/**
 * Runs an awk program that is not in the workspace after the sources that lie in the folder. `beside` is a folder outside
 * of the workspace. The names of what fails; undefined where the project does not run at all.
 */
export async function hiddenTap(
  sources: readonly string[],
  hidden: string,
  folder: string,
  beside: string,
): Promise<string[] | undefined> {
  const program = join(beside, "hidden.awk");
  writeFileSync(program, hidden);
  const flags = [...sources.map((path) => join(folder, path)), program].flatMap((path) => ["-f", path]);
  return await tap(["awk", ...flags], folder);
}

/** The names of what fails; undefined where no plan was printed. */
export async function tap(argv: string[], cwd: string): Promise<string[] | undefined> {
  const child = Bun.spawn(argv, { cwd, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const output = await child.stdout.text();
  await child.exited;
  if (!/^1\.\.\d+$/m.test(output)) return undefined;
  return [...output.matchAll(/^not ok \d+ - (.+)$/gm)].map((match) => match[1]!);
}
