/** The agent as a whole: start-up, and tasks against a server on loopback that answers at once. `bun bench/whole.ts [runs]` */
import { agentRows } from "./agent.ts";
import { cycleRow } from "./cycle.ts";
import { startupRows } from "./startup.ts";
import { type Row, table } from "./table.ts";

const runs = Number(process.argv[2] ?? 21);
const rows: Row[] = [...startupRows(runs), ...(await agentRows(runs)), await cycleRow(runs)];
console.log(`Median of ${runs} runs, whole process.\n\n${table(rows)}`);
console.log(JSON.stringify({ bench: "whole", runs, rows }));
