/**
 * `npm run examples [typescript|python|make]`: shows on three small projects what OpenKoi does. Project, binary, tools and
 * tests are real; the model's answers are written in scripts.ts. Works in temporary folders and leaves nothing behind.
 */
import { openStage } from "./play.ts";
import { examples } from "./scripts.ts";

const wanted = process.argv[2];
const chosen = examples().filter(({ name }) => wanted === undefined || name === wanted);
if (chosen.length === 0) {
  console.error(
    `no example is called ${wanted}; there are ${examples()
      .map(({ name }) => name)
      .join(", ")}`,
  );
  process.exit(2);
}
for (const example of chosen) {
  const missing = example.needs.filter((program) => Bun.which(program) === null);
  console.log(`\n=== ${example.name}: ${example.about}`);
  if (missing.length > 0) {
    console.log(`left out, because ${missing.join(" and ")} is not installed`);
    continue;
  }
  const stage = openStage(example);
  try {
    for (const task of [example.refined, example.rolledBack]) {
      console.log(`\n$ openkoi --yes ${JSON.stringify(task.description)}`);
      const { stdout, stderr, code } = await stage.task(task);
      console.log(`${stderr}${stdout}exit ${code}`);
    }
    for (const which of ["last", "first"] as const) {
      console.log(`\n$ openkoi undo${which === "last" ? "" : " TASK"}`);
      console.log((await stage.undo(which)).stdout.trimEnd());
    }
  } finally {
    stage.remove();
  }
}
