/** What bench/memory.ts starts: opens the memory and recalls once, and prints the milliseconds. */
import { openDatabase } from "../../src/memory/database.ts";
import { createMemory } from "../../src/memory/memory.ts";

const [path = "", text = ""] = process.argv.slice(2);
const started = performance.now();
const database = openDatabase({ path, now: Date.now, onNotice: () => {} });
const memory = createMemory({
  database: () => database,
  now: Date.now,
  decayRate: 0.05,
  hide: (each) => each,
  embedder: async () => undefined,
  skills: async () => [],
  onWarning: () => {},
});
await memory.recall({ text, workspace: "/work/1", task: "now", tokens: 4000 }, AbortSignal.timeout(60_000));
console.log(performance.now() - started);
database.close();
