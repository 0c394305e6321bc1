/**
 * What tests let another process do to a database: `bun child.ts write PATH PREFIX COUNT` writes tasks, ten a
 * transaction; `commit PATH PREFIX` writes one after the other without end and says each once it is committed;
 * `search PATH` searches until its standard input ends, and says how often and the worst that happened; `open PATH`
 * opens (and migrates) and says the schema; `fill PATH` writes until it fails, and says how.
 */
import { writeSync } from "node:fs";
import { UserError } from "../../src/base/errors.ts";
import { type MemoryDatabase, openDatabase } from "../../src/memory/database.ts";
import { databaseFault } from "../../src/memory/faults.ts";
import { createMemory } from "../../src/memory/memory.ts";
import { schemaOf } from "../../src/memory/migrate.ts";

const [mode, path = "", prefix = "", count = "0"] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const open = (): MemoryDatabase =>
  openDatabase({ path, now: () => Date.now(), onNotice: (text) => say(`notice ${text}`) });

function put(memory: MemoryDatabase, id: string): void {
  memory
    .query("INSERT INTO tasks (id, description, status, summary) VALUES (?, ?, 'accepted', 'done')")
    .run(id, `mend the parser of ${id} so that it reads numbers`);
}

if (mode === "write") {
  using memory = open();
  for (let at = 0; at < Number(count); at += 10) {
    memory.transaction(() => {
      for (let row = at; row < at + 10; row++) put(memory, `${prefix}${row}`);
    });
  }
  say("done");
} else if (mode === "commit") {
  const memory = open();
  for (let at = 0; ; at++) {
    memory.transaction(() => put(memory, `${prefix}${at}`));
    say(`${prefix}${at}`);
  }
} else if (mode === "search") {
  using database = open();
  const memory = createMemory({
    database: () => database,
    now: () => Date.now(),
    decayRate: 0.05,
    hide: (text) => text,
    embedder: async () => undefined,
    skills: async () => [],
    onWarning: (text) => say(`warning ${text}`),
  });
  let ended = false;
  process.stdin.on("end", () => {
    ended = true;
  });
  process.stdin.resume();
  let searches = 0;
  let found = 0;
  for (; !ended; searches++) {
    found = Math.max(found, (await memory.search("parser numbers", 5, AbortSignal.timeout(60_000))).length);
    await Bun.sleep(0);
  }
  say(`searched ${searches > 0} found ${found}`);
} else if (mode === "open") {
  say("begin");
  using memory = open();
  say(`schema ${schemaOf(memory.db)}`);
} else if (mode === "fill") {
  let at = 0;
  try {
    using memory = open();
    for (; ; at++) {
      put(memory, `f${at}`);
      say(`f${at}`);
    }
  } catch (thrown) {
    const error = databaseFault(thrown, path);
    say(`${error instanceof UserError ? "UserError" : "Error"}: ${String(error)}`);
  }
}
