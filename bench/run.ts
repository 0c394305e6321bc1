/**
 * `npm run bench`: runs every benchmark, prints what each prints, and writes docs/BENCHMARKS.md anew. Names after `--` run
 * only those and put their sections into it: `npm run bench -- whole wires`. Each section says when it was measured.
 */
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { version } from "../package.json";
import { describeMachine } from "./machine.ts";

interface Section {
  name: string;
  title: string;
  /** After `bun`. */
  argv: string[];
  about: string;
}

const SECTIONS: Section[] = [
  {
    name: "whole",
    title: "The agent as a whole",
    argv: ["bench/whole.ts"],
    about:
      "The compiled binary against a scripted OpenAI-compatible server in the measuring process, which answers at once. Memory is the program's own peak (`bench/peak.ts`). The peers named in the issue were measured the same way on such a machine: codex 9 ms, 242 ms, 329 ms, 3,343 ms; claude --bare 401 ms; pi 816 ms, 883 ms, 1,249 ms.",
  },
  {
    name: "files",
    title: "Files and search",
    argv: ["bench/files.ts"],
    about: "The file tools on generated trees, beside GNU grep on the same tree in the same run.",
  },
  {
    name: "safety",
    title: "Sandbox and secrets",
    argv: ["bench/safety.ts"],
    about:
      "One command with and without the sandbox, in turn; and how fast secrets are found in logs, source and data.",
  },
  {
    name: "checkpoints",
    title: "Checkpoints",
    argv: ["bench/checkpoints.ts"],
    about: "Recording, comparing and restoring a workspace.",
  },
  {
    name: "store",
    title: "What keeping a task costs",
    argv: ["bench/memory-store.ts"],
    about:
      "The memory with a million model calls of 10,000 tasks: rows a second, what costs are asked in, and whether its size is felt at a start.",
  },
  {
    name: "wires",
    title: "Wires",
    argv: ["bench/wires.ts"],
    about: "Decoding generated streams of 10 MB of each provider's protocol.",
  },
  {
    name: "providers",
    title: "Providers",
    argv: ["bench/providers.ts"],
    about:
      "What finding credentials and choosing a model costs at a start, and what an Ollama server costs that accepts connections and never answers.",
  },
  {
    name: "memory",
    title: "Memory: recall, writing, and what search finds",
    argv: ["bench/memory.ts"],
    about:
      "Rows are generated: 1 % learnings, 10 % tasks, the rest pieces of transcripts, of words from the documents below. Pairs are public texts in shared/specs (Linear's GraphQL schema, a corpus of skills, OpenAPI files, Exercism, HumanEval): a description asks for what it describes, among all rows. Every second pair was used to choose the embedder's weights; these are the others. Up to 100,000 rows the words are counted in all of them; beyond that in the first 100,000.",
  },
  {
    name: "lift",
    title: "Lift: what evaluation and refining add",
    argv: ["bench/lift/run.ts", "--seeds", "final", "--tasks", "300"],
    about:
      "300 synthetic tasks with real files and tests and a scripted model that fixes and breaks by chance (bench/lift). The seeds of this run were not used while building.",
  },
  {
    name: "compounding",
    title: "Compounding: what the memory saves",
    argv: ["bench/compounding/run.ts", "--seeds", "final", "--users", "2", "--tasks", "200", "--policies", "off,on"],
    about:
      "Two users with 200 tasks each, of families that recur, one-off tasks, look-alikes, and conventions that change half-way; real files and tests, and a scripted model whose work depends on what it is shown (bench/compounding, written before the memory by somebody who had not seen it). `off` begins every task with an empty home. The seeds of this run were not used while building.",
  },
  {
    name: "patterns",
    title: "Patterns: what the miner finds of known habits",
    argv: ["bench/patterns.ts", "--seeds", "final"],
    about:
      "Synthetic users of 90 days with known habits, look-alikes and noise (bench/habits), by a generator that was written before the miner. The seeds of this run were not used while building.",
  },
];

const named = process.argv.slice(2);
const unknown = named.filter((name) => !SECTIONS.some((section) => section.name === name));
if (unknown.length > 0) {
  console.error(
    `no benchmark is called ${unknown.join(", ")}; there are ${SECTIONS.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}
const chosen = named.length > 0 ? SECTIONS.filter(({ name }) => named.includes(name)) : SECTIONS;
const machine = `${cpus().length} × ${cpus()[0]?.model ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`;
const day = new Date().toISOString().slice(0, 10);
const head = `# Benchmarks

Every number here was measured, by the command beside it, on the machine named and the day that its section gives, with
\`npm run bench\`. Nothing is estimated. ${machine}; Bun ${Bun.version}. It is a virtual machine: what its neighbours
do can slow it down severalfold. So each section says how fast the machine was just before it, by two things that have
nothing to do with OpenKoi.
`;
const file = join(import.meta.dir, "../docs/BENCHMARKS.md");
const sections = new Map((await Bun.file(file).text()).split(/^(?=## )/m).map((text) => [titleOf(text), text.trim()]));
for (const { title, argv, about } of chosen) {
  const state = describeMachine();
  const child = Bun.spawn([process.execPath, ...argv], {
    cwd: join(import.meta.dir, ".."),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const [text, code] = await Promise.all([child.stdout.text(), child.exited]);
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}:\n${text}`);
  console.log(text);
  const table = text.replace(/^\{.*\}$/gm, "").trim();
  const how = `\`bun ${argv.join(" ")}\`, on ${day}, OpenKoi ${version}; the machine at that moment: ${state}. ${about}`;
  sections.set(title, `## ${title}\n\n${how}\n\n${table}`);
  const all = SECTIONS.flatMap((section) => sections.get(section.title) ?? []);
  await Bun.write(file, `${[head.trim(), ...all].join("\n\n")}\n`);
}

function titleOf(section: string): string {
  return /^## (.*)/.exec(section)?.[1] ?? "";
}
