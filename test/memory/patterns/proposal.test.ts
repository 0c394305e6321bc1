import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkedDraft, plainDraft, skillText } from "../../../src/memory/patterns/proposal.ts";
import type { StoredPattern } from "../../../src/memory/patterns/store.ts";
import { parseSkill } from "../../../src/skills/parse.ts";

function pattern(text: string, more: Partial<StoredPattern> = {}): StoredPattern {
  return {
    id: "p-1",
    kind: "recurring",
    key: "recurring:task:x",
    description: text,
    frequency: "about 2 times a week",
    confidence: 0.9,
    samples: 5,
    steps: [{ kind: "task", text, group: "x" }],
    when: null,
    cron: null,
    scheduled: false,
    members: [],
    skill: null,
    status: "detected",
    firstSeen: "2026-11-01T09:00:00.000Z",
    lastSeen: "2026-11-28T09:00:00.000Z",
    ...more,
  };
}

const free = () => false;
const NOTES = ["write the release notes for v1.4", "draft release notes for 1.5"];

/** The skill as the program reads it; fails where it breaks a rule of the standard. */
function read(text: string, folder: string) {
  const parsed = parseSkill(text, `/proposed/${folder}/SKILL.md`, "task");
  if ("fault" in parsed) throw new Error(parsed.fault.message);
  expect(parsed.facts.warnings).toEqual([]);
  return parsed.facts;
}

describe("a plain proposal", () => {
  test("says what is done and how it was asked for, and is a skill by the standard", () => {
    const draft = plainDraft(pattern(NOTES[0]!), NOTES, free);
    expect(draft.name).toBe("write-release-notes");
    const text = skillText(draft, "recurring:task:x");
    const { name, description } = read(text, draft.name);
    expect(name).toBe("write-release-notes");
    expect(description).toStartWith("Write the release notes for v1.4. Use when");
    for (const wording of NOTES) expect(text).toContain(`- ${wording}`);
  });

  test("of a sequence has its steps in order, of a regular time says when", () => {
    const steps = [
      { kind: "task" as const, text: "bump the version", group: "a" },
      { kind: "command" as const, text: "status", group: "b" },
      { kind: "integration" as const, text: "slack_send", group: "c" },
    ];
    const { body } = plainDraft(pattern("x", { kind: "sequence", steps }), [], free);
    expect(body).toContain("1. bump the version\n2. the command `openkoi status`\n3. the action slack_send");
    const when = { minute: 540, weekdays: [1] };
    const { description } = plainDraft(
      pattern("x", { kind: "time", when, frequency: "every Monday about 9" }),
      [],
      free,
    );
    expect(description).toContain("Done every Monday about 9.");
  });

  test("has another name where one has it already, and a name where no word makes one", () => {
    const taken = new Set(["write-release-notes", "write-release-notes-2"]);
    expect(plainDraft(pattern(NOTES[0]!), [], (name) => taken.has(name)).name).toBe("write-release-notes-3");
    expect(plainDraft(pattern("議事録を要約して"), [], free).name).toMatch(/^habit-[0-9a-f]{8}$/);
  });

  test("holds no secret, nor the placeholder of one", () => {
    const key = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCD";
    const draft = plainDraft(
      pattern(`deploy with ${key}`),
      [`deploy with ${key}`, "use [[secret:1f0c92ab]] now"],
      free,
    );
    const text = skillText(draft, "k");
    expect(text).not.toContain("sk-ant");
    expect(text).not.toContain("[[secret");
    expect(text).toContain("deploy with …");
  });

  test("is a skill by the standard whatever the task says", () => {
    const odd = fc.constantFrom(..."ab -:#'\"\n\t{}[]|>&*!%@`é字\u202e", "---", "\x1b[31m", "\ud800");
    fc.assert(
      fc.property(fc.string({ unit: odd, maxLength: 700 }), (text) => {
        const draft = plainDraft(pattern(text), [text], free);
        expect(draft.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
        expect(draft.name.length).toBeLessThanOrEqual(64);
        const skill = skillText(draft, text);
        expect(read(skill, draft.name).description.length).toBeLessThanOrEqual(1024);
        expect(skill).not.toContain("\x1b");
      }),
      { numRuns: 150 },
    );
  });
});

describe("what a model wrote", () => {
  const plain = plainDraft(pattern(NOTES[0]!), NOTES, free);
  const check = (body: string, description = "Writes release notes.") =>
    checkedDraft({ description, body }, plain, [...NOTES, "run `git log --oneline` in src/app"]);

  test("is taken where it keeps the rules, under the plain one's name", () => {
    const draft = check(
      "Read what changed since the last tag.\n\n1. Group it.\n2. Write it.\n\nRun `git log --oneline`.",
    );
    expect(draft).toMatchObject({ name: "write-release-notes", description: "Writes release notes." });
    read(skillText(draft!, "k"), draft!.name);
  });

  test("is refused with a command, a path or an address that the user never wrote", () => {
    for (const body of [
      "Run `rm -rf build`.",
      "```\ncurl x | sh\n```",
      "~~~sh\nnpm publish\n~~~",
      "```\nunclosed command",
      "Post it to https://example.com/hook now.",
      "Read /etc/passwd first.",
      "Then:\n\n    git push --force\n",
      "- $ npm publish",
    ]) {
      expect(check(body)).toBeUndefined();
    }
  });

  test("is refused with a secret, when it is empty, too long, or no text", () => {
    expect(check("Use ghp_abcdefghijklmnopqrstuvwxyz0123456789 for it.")).toBeUndefined();
    expect(check("Use [[secret:1f0c92ab]].")).toBeUndefined();
    expect(check(" ")).toBeUndefined();
    expect(check("x ".repeat(4000))).toBeUndefined();
    expect(check("a\n---\nkind: evaluator")).toBeUndefined();
    for (const written of [undefined, null, "text", {}, { description: 1, body: "x" }]) {
      expect(checkedDraft(written, plain, NOTES)).toBeUndefined();
    }
  });
});
