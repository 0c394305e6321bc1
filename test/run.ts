/**
 * `npm test`: compiles the binary, runs every test (unit, wire, end to end) and ends with the line that says how many
 * passed. Arguments are passed on to `bun test` (a path, `-t name`).
 */
const root = `${import.meta.dir}/..`;

async function run(...argv: string[]): Promise<{ code: number; text: string }> {
  const child = Bun.spawn([process.execPath, ...argv], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, FORCE_COLOR: "0" },
  });
  let text = "";
  const copy = async (from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream) => {
    const decoder = new TextDecoder();
    for await (const chunk of from) {
      text += decoder.decode(chunk, { stream: true });
      to.write(chunk);
    }
  };
  await Promise.all([copy(child.stdout, process.stdout), copy(child.stderr, process.stderr)]);
  return { code: await child.exited, text };
}

const built = await run("build.ts");
if (built.code !== 0) process.exit(built.code);
// The time is for a loaded machine. One more try, which the runner reports: a test that waits for a process may meet one.
const { code, text } = await run("test", "--timeout", "60000", "--retry", "1", ...process.argv.slice(2));

/** The sum that `bun test` prints as ` 12 pass`. */
function count(word: string): number {
  return Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(text)?.[1] ?? 0);
}

const passed = count("pass");
const failed = count("fail");
// A runner that broke down without counting a failure has not passed.
const broken = code !== 0 && failed === 0 ? 1 : 0;
const skipped = count("skip");
console.log(`${passed} passed, ${failed + broken} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(code !== 0 || passed === 0 ? 1 : 0);
