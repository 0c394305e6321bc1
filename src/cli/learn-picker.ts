import { Exit, type ExitCode } from "../base/errors.ts";
import { isWorthASkill } from "../habits.ts";
import { score } from "./display/style.ts";
import type { LearnDeps } from "./learn.ts";
import {
  approveTarget,
  dismissTarget,
  editLearning,
  forgetLearning,
  namesOf,
  type Target,
  targetsOf,
  textOf,
  writeTarget,
} from "./learn-acts.ts";
import { lookAtLessons, TYPES } from "./learn-view.ts";
import { type Item, pick } from "./picker.ts";

const REMEDY =
  "Name what to do: openkoi learn list, show NAME, write NAME, approve NAME|all, dismiss NAME, edit ID, forget ID.";

/** A bare `openkoi learn`: the user picks one thing after the other, and what to do with it, until they leave. */
export async function pickLessons(deps: LearnDeps): Promise<ExitCode> {
  for (;;) {
    const lessons = deps.terminal ? await lookAtLessons(deps) : undefined;
    const targets = lessons ? targetsOf(lessons) : [];
    if (lessons && targets.length === 0) {
      deps.write("nothing was learned yet: patterns show after a few days of use\n");
      return Exit.ok;
    }
    const items = targets.map((target, at) => ({ ...itemOf(target), value: String(at) }));
    const picked = await pick({ title: "Learned", items, remedy: REMEDY, terminal: deps.terminal });
    if (picked === undefined) return Exit.ok;
    await actOn(deps, targets[Number(picked)]!);
  }
}

function itemOf(target: Target): Omit<Item, "value"> {
  switch (target.is) {
    case "learning": {
      const { type, content, confidence, recalled, helped } = target.learning;
      const use = recalled > 0 ? `, helped ${helped} of ${recalled}` : "";
      return { label: `${TYPES[type]}: ${content}`, note: `learning ${score(confidence)}${use}` };
    }
    case "proposal":
      return { label: target.proposal.name, note: `proposed skill: ${target.proposal.description}` };
    case "pattern": {
      const { frequency, description, status, skill } = target.pattern;
      return { label: description, note: `${frequency}, ${status}${skill === null ? "" : ` as ${skill}`}` };
    }
  }
}

type Act = "write" | "approve" | "dismiss" | "view" | "edit" | "forget" | "back";

const NOTES: Record<Act, string> = {
  write: "the planner model words it: one call",
  approve: "use it from the next task on",
  dismiss: "away with it; it returns only when it shows much more clearly",
  view: "all that is known of it",
  edit: "in your editor",
  forget: "for good",
  back: "to the list",
};

async function actOn(deps: LearnDeps, target: Target): Promise<void> {
  const acts = actsFor(target);
  const items = acts.map((act) => ({ value: act, note: NOTES[act] }));
  for (;;) {
    const title = namesOf(target)[0]!;
    const act = (await pick({ title, items, remedy: REMEDY, terminal: deps.terminal })) as Act | undefined;
    if (act === undefined || act === "back") return;
    if (act === "view") deps.write(textOf(deps, target));
    else {
      deps.write(await done(deps, target, act));
      return;
    }
  }
}

function actsFor(target: Target): Act[] {
  if (target.is === "learning") return ["view", "edit", "forget", "back"];
  const canBeWritten = target.is === "pattern" && isWorthASkill(target.pattern);
  return ["view", "approve", ...(canBeWritten ? ["write" as const] : []), "dismiss", "back"];
}

async function done(deps: LearnDeps, target: Target, act: Exclude<Act, "view" | "back">): Promise<string> {
  if (act === "approve") return approveTarget(deps, target);
  if (act === "dismiss") return dismissTarget(deps, target);
  if (act === "write") return writeTarget(deps, target);
  if (target.is !== "learning") throw new Error(`"${act}" is for learnings`);
  return act === "forget" ? forgetLearning(deps, target.learning) : editLearning(deps, target.learning);
}
