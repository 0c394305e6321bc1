import compact from "../embed/prompts/compact.md" with { type: "text" };
import judge from "../embed/prompts/judge.md" with { type: "text" };
import learn from "../embed/prompts/learn.md" with { type: "text" };
import plan from "../embed/prompts/plan.md" with { type: "text" };
import refine from "../embed/prompts/refine.md" with { type: "text" };
import repair from "../embed/prompts/repair.md" with { type: "text" };
import result from "../embed/prompts/result.md" with { type: "text" };
import system from "../embed/prompts/system.md" with { type: "text" };
import work from "../embed/prompts/work.md" with { type: "text" };
import type { Prompts } from "./contracts/kit.ts";

/** The texts of embed/prompts, carried by the binary. */
export const prompts: Prompts = { system, plan, work, refine, judge, compact, learn, repair, result };
