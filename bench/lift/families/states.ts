import type { Family } from "../rule.ts";

export const states: Family = {
  name: "states",
  about: "Small machines that go from state to state. Events are texts with one blank between them.",
  rules: [
    (random) => {
      const state = random.pick(["shipped", "delivered"]);
      return {
        key: "order_after",
        text: "An order goes from new to paid (pay) to shipped (ship) to delivered (arrive); it can be cancelled until it is shipped.",
        label: "goods under way cannot be called off",
        code: `function order_after(state, event) {
  if (event == "cancel" && (state == "new" || state == "paid")) return "cancelled"
  if (state == "new" && event == "pay") return "paid"
  if (state == "paid" && event == "ship") return "shipped"
  if (state == "shipped" && event == "arrive") return "delivered"
  return state
}`,
        good: 'if (event == "cancel" && (state == "new" || state == "paid")) return "cancelled"',
        bad: 'if (event == "cancel") return "cancelled"',
        plain: ['order_after("new", "cancel")', "cancelled"],
        guard: [`order_after("${state}", "cancel")`, state],
        hidden: [
          ['order_after("shipped", "cancel")', "shipped"],
          ['order_after("delivered", "cancel")', "delivered"],
          ['order_after("paid", "ship")', "shipped"],
        ],
      };
    },
    (random) => {
      const most = random.int(3, 8);
      return {
        key: "job_after",
        text: `A job that failed waits and is tried again; after ${most} tries it is given up.`,
        label: "jobs are given up at the last try",
        code: `function job_after(tries) {
  if (tries >= ${most}) return "dead"
  return "waiting"
}`,
        good: `if (tries >= ${most}) return "dead"`,
        bad: `if (tries > ${most}) return "dead"`,
        plain: ["job_after(1)", "waiting"],
        guard: [`job_after(${most})`, "dead"],
        hidden: [
          [`job_after(${most} * 1)`, "dead"],
          [`job_after(${most - 1})`, "waiting"],
        ],
      };
    },
    (random) => {
      const pushes = random.int(2, 4);
      return {
        key: "passages",
        text: "A coin opens the turnstile for one person, who closes it by passing; passages are counted.",
        label: "one coin lets a single person in",
        code: `function passages(events,    n, i, ev, open, count) {
  n = split(events, ev, " ")
  count = 0
  for (i = 1; i <= n; i++) {
    if (ev[i] == "coin") open = 1
    if (ev[i] == "push" && open) { count++; open = 0 }
  }
  return count
}`,
        good: 'if (ev[i] == "push" && open) { count++; open = 0 }',
        bad: 'if (ev[i] == "push" && open) { count++ }',
        plain: ['passages("push coin push")', 1],
        guard: [`passages("coin${" push".repeat(pushes)}")`, 1],
        hidden: [['passages("coin push push coin push push")', 2]],
      };
    },
    (random) => {
      const most = random.int(2, 4);
      return {
        key: "locked_at",
        text: `${most} wrong passwords in a row lock an account; answered is the number of the event that did it, else 0.`,
        label: "a good login forgives earlier misses",
        code: `function locked_at(events,    n, i, ev, misses) {
  n = split(events, ev, " ")
  for (i = 1; i <= n; i++) {
    if (ev[i] == "ok") misses = 0
    if (ev[i] == "bad") misses++
    if (misses >= ${most}) return i
  }
  return 0
}`,
        good: 'if (ev[i] == "ok") misses = 0',
        bad: 'if (ev[i] == "ok") continue',
        plain: [`locked_at("ok${" bad".repeat(most)}")`, most + 1],
        guard: [`locked_at("${"bad ".repeat(most - 1)}ok bad")`, 0],
        hidden: [[`locked_at("bad ok${" bad".repeat(most)}")`, most + 2]],
      };
    },
    (random) => {
      const [a, b] = random.some(["do", "re", "mi", "fa", "so"], 2);
      return {
        key: "typed",
        text: "Words are typed one after the other; undo takes the last one back and does nothing where there is none.",
        label: "undo on an empty page is harmless",
        code: `function typed(events,    n, i, ev, depth, kept, out) {
  n = split(events, ev, " ")
  depth = 0
  for (i = 1; i <= n; i++) {
    if (ev[i] == "undo") {
      if (depth > 0) depth--
      continue
    }
    kept[++depth] = ev[i]
  }
  for (i = 1; i <= depth; i++) out = out (i > 1 ? " " : "") kept[i]
  return out
}`,
        good: "if (depth > 0) depth--",
        bad: "depth = depth - 1",
        plain: [`typed("${a} ${b} undo")`, a!],
        guard: [`typed("undo ${b} ${a}")`, `${b} ${a}`],
        hidden: [['typed("x undo undo y")', "y"]],
      };
    },
    () => ({
      key: "light_after",
      text: "A traffic light shows green, amber, red, then red-amber before it is green again.",
      label: "red is not followed by green at once",
      code: `function light_after(now) {
  if (now == "green") return "amber"
  if (now == "amber") return "red"
  if (now == "red") return "red-amber"
  return "green"
}`,
      good: 'if (now == "red") return "red-amber"',
      bad: 'if (now == "red") return "green"',
      plain: ['light_after("green")', "amber"],
      guard: ['light_after("red")', "red-amber"],
      hidden: [
        ['light_after(light_after("amber"))', "red-amber"],
        ['light_after("red-amber")', "green"],
      ],
    }),
  ],
};
