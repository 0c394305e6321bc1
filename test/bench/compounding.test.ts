import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hiddenTap, tap, writeFiles } from "../../bench/awk-project.ts";
import { BUILT } from "../../bench/binary.ts";
import { KINDS } from "../../bench/compounding/conventions.ts";
import { workThrough } from "../../bench/compounding/executor.ts";
import { type History, historyOf, lineOf, type Site, type UserTask } from "../../bench/compounding/history.ts";
import { adviceOf, statementsIn, titleOf } from "../../bench/compounding/knowledge.ts";
import { type Run, runUser } from "../../bench/compounding/policies.ts";
import { passOn } from "../../bench/compounding/small-model.ts";
import { summary } from "../../bench/compounding/summary.ts";
import { FILLER } from "../../bench/compounding/wordings.ts";
import type { Message } from "../../bench/requests.ts";
import type { FakeRequest } from "../fakes/script.ts";

const HISTORIES = [1, 2, 3].map((user) => historyOf(user, 200));
const [FIRST] = HISTORIES as [History];
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function places(): { folder: string; beside: string } {
  const root = mkdtempSync(join(tmpdir(), "openkoi-compounding-"));
  folders.push(root);
  const [folder, beside] = [join(root, "work"), join(root, "beside")];
  for (const each of [folder, beside]) mkdirSync(each);
  return { folder, beside };
}

const sourceWith = (task: UserTask, lineFor: (site: Site) => string) =>
  task.sites.reduce((text, site) => text.replace(site.stub, () => lineFor(site)), task.files[task.source]!);

test("the same seed makes the same history, another one another, and no task has luck of the ones before it", () => {
  expect(JSON.stringify(historyOf(1, 200))).toBe(JSON.stringify(FIRST));
  expect(historyOf(2, 200).tasks.map(({ family }) => family)).not.toEqual(FIRST.tasks.map(({ family }) => family));
});

test("most tasks are of ten families, the frequent ones often; some come once; hardly two are told in the same words", () => {
  for (const { tasks } of HISTORIES) {
    const counts = new Map<string, number>();
    for (const { family } of tasks.filter(({ oneOff }) => !oneOff)) counts.set(family, (counts.get(family) ?? 0) + 1);
    expect(counts.size).toBe(10);
    expect(Math.max(...counts.values())).toBeGreaterThan(4 * Math.min(...counts.values()));
    const once = tasks.filter(({ oneOff }) => oneOff).map(({ family }) => family);
    expect(once.length).toBeGreaterThan(15);
    expect(new Set(once).size).toBe(once.length);
    expect(new Set(tasks.map(({ description }) => description)).size).toBeGreaterThan(150);
  }
});

test("half-way some families want something else, and two of them look like others that want something else", () => {
  for (const { tasks } of HISTORIES) {
    const ways = new Map<string, string[]>();
    for (const { family, sites, index } of tasks) {
      for (const { id, choice } of sites) {
        const seen = ways.get(`${family} ${id}`) ?? [];
        if (seen.at(-1) !== choice.words) {
          if (seen.length > 0) expect(index).toBeGreaterThanOrEqual(80);
          ways.set(`${family} ${id}`, [...seen, choice.words]);
        }
      }
    }
    const changed = [...ways].filter(([, seen]) => seen.length > 1);
    expect(changed.length).toBe(4);
    expect(new Set(changed.map(([name]) => name.split(" ")[0])).size).toBe(2);
    const heads = [...new Set(tasks.filter(({ oneOff }) => !oneOff).map(({ family }) => family.split("_")[0]!))];
    expect(heads.length).toBe(8);
  }
});

test("what is asked for says nothing of what would be right, nor does the name of a test or a file", () => {
  for (const { tasks, topics } of HISTORIES) {
    for (const task of tasks) {
      const seen = [task.description, ...Object.keys(task.files), ...task.sites.map((site) => site.test)];
      expect(statementsIn(seen.join("\n"), topics)).toEqual([]);
      for (const site of task.sites) expect(task.files[site.document]).toContain(site.rule);
    }
  }
});

test("the words of a choice stand in nothing else that is said", () => {
  const words = KINDS().flatMap(({ choices }) => choices.map((choice) => choice.words));
  const { topics } = FIRST;
  const others = [...FILLER, ...topics.flatMap(({ noun, alias }) => [noun, alias])];
  for (const one of words) {
    expect(words.filter((other) => ` ${other} `.includes(` ${one} `))).toEqual([one]);
    expect(others.filter((other) => ` ${other} `.includes(` ${one} `))).toEqual([]);
  }
});

test("the right lines pass every check; any wrong one fails its own and nothing else; the stubs fail all", async () => {
  const seen = new Set<string>();
  for (const task of FIRST.tasks) {
    const fresh = task.sites.filter(({ id, choice }) => !seen.has(`${id} ${choice.words}`));
    if (fresh.length === 0) continue;
    const { folder, beside } = places();
    writeFiles(task.files, folder);
    const hidden = async (lineFor: (site: Site) => string) => {
      writeFiles({ [task.source]: sourceWith(task, lineFor) }, folder);
      return await hiddenTap([task.source], task.hidden, folder, beside);
    };
    expect((await hidden(({ stub }) => stub))?.sort()).toEqual(task.sites.map(({ id }) => id).sort());
    for (const site of fresh) {
      seen.add(`${site.id} ${site.choice.words}`);
      for (const { words, code } of site.kind.choices) {
        const failing = await hidden((each) => (each === site ? lineOf(site.kind, code) : each.good));
        expect(failing).toEqual(words === site.choice.words ? [] : [site.id]);
      }
      writeFiles({ [task.source]: sourceWith(task, (each) => (each === site ? each.stub : each.good)) }, folder);
      expect(await tap(["sh", "-c", "make test"], folder)).toEqual(site.guarded ? [site.test] : []);
    }
  }
  expect(seen.size).toBeGreaterThan(25);
});

const TASK = FIRST.tasks.find(({ oneOff, sites }) => !oneOff && sites.length === 4)!;

test("a statement is recognised as a title, as advice and among others, with what it is said of", () => {
  const { topic, sites } = TASK;
  const other = FIRST.topics.find(({ noun }) => noun !== topic.noun)!;
  const meaning = (text: string) =>
    statementsIn(text, FIRST.topics).map(({ kind, choice, of }) => [kind.key, choice.words, of?.noun]);
  for (const site of sites) {
    const { id, choice } = site;
    expect(meaning(titleOf(topic, site))).toEqual([[id, choice.words, topic.noun]]);
    expect(meaning(adviceOf(topic, [site]))).toEqual([[id, choice.words, topic.noun]]);
    expect(meaning(adviceOf(undefined, [site]))).toEqual([[id, choice.words, undefined]]);
    expect(meaning(`- **${topic.alias}**: ${site.kind.must(choice.words)}`)).toEqual([[id, choice.words, topic.noun]]);
    const list = `Learned before:\n- ${titleOf(other, site)}\n- ${titleOf(topic, site)} (0.8)`;
    expect(meaning(list).map(([, , of]) => of)).toEqual([other.noun, topic.noun]);
  }
  const commas = `avoid: ${sites.map((site) => titleOf(topic, site)).join(", ")}`;
  expect(
    meaning(commas)
      .map(([id]) => id)
      .sort(),
  ).toEqual(sites.map(({ id }) => id).sort());
  const joined = adviceOf(topic, sites).replace(/; /g, ";\n  ");
  expect(meaning(joined)).toHaveLength(4);
  expect(meaning(joined).every(([, , of]) => of === topic.noun)).toBe(true);
});

interface Played {
  turns: number;
  wrong: number;
  closing: string;
}

/** The executor's first iteration against tools that work, with this in the request beside the task. */
function play(task: UserTask, history: History, lesson: string): Played {
  const files: Record<string, string> = { ...task.files };
  const messages: Message[] = [
    { role: "system", content: `You are an agent.\n\n${lesson}` },
    { role: "user", content: task.description },
  ];
  const odd: string[] = [];
  const work = workThrough({
    task,
    iteration: 1,
    topics: history.topics,
    known: [],
    messages: () => messages,
    odd: (what) => odd.push(what),
  });
  let turns = 0;
  for (let next = work.next(); ; next = work.next()) {
    turns++;
    if (next.done) {
      expect(odd).toEqual([]);
      const wrong = task.sites.filter(({ good }) => !files[task.source]!.includes(good)).length;
      return { turns, wrong, closing: next.value.text! };
    }
    messages.push({ role: "assistant", content: null });
    for (const { arguments: given } of next.value.calls!) {
      const { path, old, new: to } = given as Record<string, string>;
      if (old !== undefined) files[path!] = files[path!]!.replace(old, () => to!);
      messages.push({ role: "tool", content: old === undefined && path ? files[path]! : "" });
    }
  }
}

const repeated = HISTORIES.flatMap((history) =>
  history.tasks
    .filter(({ oneOff }) => !oneOff)
    .slice(0, 40)
    .map((task) => ({ history, task })),
);
function playAll(lessonFor: (task: UserTask, history: History) => string) {
  const played = repeated.map(({ task, history }) => play(task, history, lessonFor(task, history)));
  const sum = (of: (each: Played) => number) => played.reduce((total, each) => total + of(each), 0);
  return { turns: sum(({ turns }) => turns), wrong: sum(({ wrong }) => wrong) };
}

const stale = (site: Site) => ({
  ...site,
  choice: site.kind.choices.find(({ words }) => words !== site.choice.words)!,
});

test("knowing the lesson saves turns and mistakes; half of it saves less; the work is the same without any", () => {
  const nothing = playAll(() => "");
  const all = playAll(({ topic, sites }) => adviceOf(topic, sites));
  const half = playAll(({ topic, sites }) => adviceOf(topic, sites.slice(0, 2)));
  expect(all.turns).toBeLessThan(0.8 * nothing.turns);
  expect(all.wrong).toBeLessThan(0.25 * nothing.wrong);
  expect(half.wrong).toBeLessThan(0.8 * nothing.wrong);
  expect(half.wrong).toBeGreaterThan(all.wrong);
  expect(playAll(() => "Read the documents carefully. Tests print TAP.")).toEqual(nothing);
});

test("a stale lesson does harm; one of another topic little; two that contradict each other none", () => {
  const nothing = playAll(() => "");
  const old = playAll(({ topic, sites }) => adviceOf(topic, sites.map(stale)));
  const foreign = playAll(({ topic, sites }, { topics }) =>
    adviceOf(
      topics.find(({ noun }) => noun !== topic.noun),
      sites.map(stale),
    ),
  );
  expect(old.wrong).toBeGreaterThan(1.3 * nothing.wrong);
  expect(foreign.wrong).toBeGreaterThan(nothing.wrong);
  expect(foreign.wrong).toBeLessThan(1.15 * nothing.wrong);
  const both = playAll(({ topic, sites }) => `${adviceOf(topic, sites)}\n\n${adviceOf(topic, sites.map(stale))}`);
  expect(both).toEqual(nothing);
});

test("the closing words tell only what was read or found, and without that say nothing of it", () => {
  const { topic, sites } = TASK;
  const told = HISTORIES.flatMap((history) =>
    history.tasks.slice(0, 40).map((task) => play(task, history, "").closing),
  );
  expect(told.some((text) => text.includes("What mattered: "))).toBe(true);
  expect(play(TASK, FIRST, adviceOf(topic, sites)).turns).toBeGreaterThan(2);
});

test("the compiled binary works through a user's tasks as the script expects", async () => {
  for (const policy of ["off", "on", "perfect"] as const) {
    let done = 0;
    const runs = await runUser(policy, 1, 2, BUILT, () => done++);
    expect(done).toBe(2);
    for (const run of runs) {
      expect(run.oddities).toEqual([]);
      expect(run.iterations).toBeGreaterThan(0);
      expect(run.uncached).toBeGreaterThan(0);
      expect(run.tokens).toBeGreaterThan(run.uncached);
    }
  }
}, 60_000);

const learning = (text: string, more: object = {}): FakeRequest => {
  const body = {
    messages: [
      { role: "system", content: "What was learned?" },
      { role: "user", content: text },
    ],
    ...more,
  };
  return { path: "/v1/chat/completions", headers: {}, raw: "", body };
};

test("the small model passes on what the request states, in its own words, and nothing that it was not told", () => {
  const [one, two] = TASK.sites as [Site, Site];
  const findings = [one, two].map((site) => `- [blocker] ${titleOf(TASK.topic, site)} (${TASK.source})`).join("\n");
  const tasks = FIRST.tasks.filter(({ family }) => family === TASK.family);
  const answers = tasks.map((task) => passOn(learning(`${task.description}\n\n${findings}`), task, FIRST.topics).text!);
  expect(answers.filter((text) => text === adviceOf(TASK.topic, [one, two])).length).toBeGreaterThan(tasks.length / 2);
  for (const text of answers) {
    const kinds = statementsIn(text, FIRST.topics).map(({ kind }) => kind.key);
    expect(kinds.filter((key) => key !== one.id && key !== two.id)).toEqual([]);
  }
  expect(statementsIn(passOn(learning(TASK.description), TASK, FIRST.topics).text!, FIRST.topics)).toEqual([]);
});

test("a schema that the small model is given is filled", () => {
  const item = {
    type: "object",
    properties: { kind: { type: "string", enum: ["heuristic"] }, text: { type: "string" } },
  };
  const schema = {
    type: "object",
    properties: { learnings: { type: "array", items: item }, sure: { type: "number" } },
  };
  const { text } = passOn(
    learning("Nothing.", { response_format: { type: "json_schema", json_schema: { name: "x", schema } } }),
    TASK,
    FIRST.topics,
  );
  expect(JSON.parse(text!)).toEqual({ learnings: [{ kind: "heuristic", text: expect.any(String) }], sure: 1 });
});

test("the summary compares the same tasks, from half-way on", () => {
  const run = (policy: Run["policy"], index: number, tokens: number, solved: boolean): Run => {
    const rest = {
      user: 1,
      family: "a",
      oneOff: false,
      status: "accepted",
      iterations: 1,
      calls: 5,
      ms: 1,
      oddities: [],
    };
    return { ...rest, policy, index, tokens, uncached: tokens, usd: 0, solved };
  };
  const indices = Array.from({ length: 40 }, (_, at) => at);
  const off = indices.map((index) => run("off", index, 1000, index % 2 === 0));
  const same = summary([...off, ...off.map((each): Run => ({ ...each, policy: "on" }))], 40);
  expect(same.saved.on).toEqual({ value: 0, low: 0, high: 0 });
  expect(same.tailFrom).toBe(20);
  expect(same.curve.map(({ from, to }) => [from, to])).toEqual([
    [0, 20],
    [20, 40],
  ]);
  const cheaper = indices.map((index) => run("on", index, index < 20 ? 1000 : 500, index % 2 === 0));
  const better = summary([...off, ...cheaper], 40);
  expect(better.saved.on!.value).toBeCloseTo(50);
  expect(better.gained.on!.value).toBe(0);
  expect(better.curve[0]!.parts.on!.tokensPerSolved).toBe(better.curve[0]!.parts.off!.tokensPerSolved);
});
