/**
 * `bun test/record-demo.ts` makes embed/demo/recording.jsonl.txt anew, after a change of a prompt or a tool text: the
 * real binary runs the demo's task against a server whose answers are written here, and records the exchange.
 */
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DEMO_TASK, demoEnv, layOut } from "../src/cli/demo.ts";
import { startOpenAiFake } from "./fakes/openai-server.ts";
import type { Turn } from "./fakes/script.ts";

const SCORES = (correctness: number, completeness: number) => ({
  correctness,
  safety: 0.95,
  style: 0.9,
  completeness,
});

const TURNS: Turn[] = [
  JSON.stringify({
    kind: "change",
    category: "code",
    steps: ["Read price.ts and its tests.", "Give total() the discount that its comment promises.", "Run the tests."],
    checks: ["bun run test"],
  }),
  {
    text: "I look at the function and its tests first.",
    calls: [
      { name: "read", arguments: { path: "price.ts" } },
      { name: "read", arguments: { path: "price.test.ts" } },
    ],
  },
  {
    text: "total() knows no discount yet. I add it, rounded to whole cents.",
    calls: [
      {
        name: "edit",
        arguments: {
          path: "price.ts",
          old: "    sum += line.cents * line.quantity;\n",
          new: "    const factor = line.quantity > 10 ? 0.9 : 1;\n    sum += Math.round(line.cents * line.quantity * factor);\n",
        },
      },
    ],
  },
  "total() now takes 10 % off larger quantities and rounds to whole cents.",
  JSON.stringify({
    scores: SCORES(0.5, 0.6),
    findings: [
      {
        id: "ten-is-left-out",
        severity: "blocker",
        dimension: "correctness",
        title: "Exactly ten pieces get no discount",
        description:
          "The comment says from ten pieces; the code asks for more than ten, and the test with ten pens fails.",
        location: "price.ts:12",
        fix: "Compare with >= 10.",
      },
    ],
  }),
  { text: "The comparison leaves out exactly ten.", calls: [{ name: "read", arguments: { path: "price.ts" } }] },
  {
    calls: [
      {
        name: "edit",
        arguments: { path: "price.ts", old: "line.quantity > 10 ?", new: "line.quantity >= 10 ?" },
      },
    ],
  },
  "total() gives 10 % off from ten pieces of one thing and rounds each line to whole cents. The change is two lines in price.ts; the tests are untouched.",
  JSON.stringify({ scores: SCORES(0.97, 0.95), findings: [] }),
];

const folder = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-demo-")));
const server = startOpenAiFake(TURNS);
try {
  const binary = resolve(import.meta.dir, "../dist/openkoi");
  const project = layOut(folder, binary);
  const env = demoEnv(process.env, folder);
  mkdirSync(env["OPENKOI_HOME"]!, { recursive: true });
  const config = `[models]\nexecutor = "recorded/demo"\n[providers.recorded]\nbase_url = "${server.baseUrl}"\n`;
  writeFileSync(join(env["OPENKOI_HOME"]!, "config.toml"), config);
  const tape = join(folder, "new-recording.jsonl");
  const child = Bun.spawn([binary, "--yes", "--record", tape, DEMO_TASK], {
    cwd: project,
    env: env as Record<string, string>,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  const code = await child.exited;
  if (code !== 0 || server.requests.length !== TURNS.length) {
    throw new Error(`exit ${code} after ${server.requests.length} of ${TURNS.length} requests`);
  }
  copyFileSync(tape, resolve(import.meta.dir, "../embed/demo/recording.jsonl.txt"));
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
