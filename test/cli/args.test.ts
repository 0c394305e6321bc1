import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadConfig } from "../../src/base/config.ts";
import { UsageError } from "../../src/base/errors.ts";
import { resolvePaths } from "../../src/base/paths.ts";
import { parseArgs } from "../../src/cli/args.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { configOverrides, FLAGS, type FlagName, flagText } from "../../src/cli/flags.ts";

function refusal(...argv: string[]): UsageError {
  try {
    parseArgs(argv);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`accepted: ${argv.join(" ")}`);
}

describe("a task", () => {
  test("is what stands in quotes", () => {
    expect(parseArgs(["fix the tests"])).toEqual({ command: "run", task: "fix the tests", flags: {} });
  });

  test("may be several words without quotes", () => {
    expect(parseArgs(["run", "the", "tests"]).task).toBe("run the tests");
  });

  test("may have flags before it, after it and within it", () => {
    const { task, flags } = parseArgs(["-i", "2", "fix", "--yes", "the tests", "--model=a/b"]);
    expect(task).toBe("fix the tests");
    expect(flags).toEqual({ iterate: 2, yes: true, model: "a/b" });
  });

  test("after -- is taken as it stands", () => {
    expect(parseArgs(["-i", "0", "--", "--help", "-x", "status"])).toEqual({
      command: "run",
      task: "--help -x status",
      flags: { iterate: 0 },
    });
    expect(parseArgs(["--", "statsu"]).task).toBe("statsu");
  });

  test("may begin like a list or contain words that are commands", () => {
    expect(parseArgs(["- fix this\n- and that"]).task).toBe("- fix this\n- and that");
    expect(parseArgs(["the status of the build"]).task).toBe("the status of the build");
    expect(parseArgs(["help me write a letter"]).task).toBe("help me write a letter");
  });

  test("that is empty is refused with an example", () => {
    expect(refusal("").message).toBe("the task is empty");
    expect(refusal("  ", "").remedy).toContain("openkoi");
    expect(refusal("run").message).toBe("no task was given");
  });

  test("is missing where no word was given", () => {
    expect(parseArgs([])).toEqual({ command: "run", flags: {} });
    expect(parseArgs(["-i", "3"])).toEqual({ command: "run", flags: { iterate: 3 } });
  });

  test("comes from one place only", () => {
    expect(parseArgs(["--stdin"]).flags.stdin).toBe(true);
    expect(refusal("--stdin", "fix it").message).toContain("--stdin");
  });
});

describe("a command", () => {
  test("is known by its word", () => {
    expect(parseArgs(["status", "--json"])).toEqual({ command: "status", flags: { json: true } });
    expect(parseArgs(["--fix", "doctor"])).toEqual({ command: "doctor", flags: { fix: true } });
    expect(parseArgs(["demo"]).command).toBe("demo");
  });

  test("that is nearly one is refused, with the way to run it as a task", () => {
    const error = refusal("statsu");
    expect(error.message).toBe('unknown command "statsu": did you mean status?');
    expect(error.remedy).toBe("To run it as a task: openkoi -- statsu");
    expect(error.exitCode).toBe(2);
  });

  test("that is nearly one is refused with what follows it too, where that would fit it", () => {
    for (const [words, meant] of [
      [["lern", "list"], "learn"],
      [["lerrn", "show", "a-habit"], "learn"],
      [["undp", "20261128-075012-k3f9"], "undo"],
      [["exprt", "all"], "export"],
    ] as const) {
      expect(refusal(...words)).toMatchObject({
        message: `unknown command "${words[0]}": did you mean ${meant}?`,
        remedy: `To run it as a task: openkoi -- ${words.join(" ")}`,
        exitCode: 2,
      });
      expect(parseArgs(["--", ...words]).task).toBe(words.join(" "));
    }
  });

  test("is not meant by a task in few words that begins with one like it", () => {
    for (const words of [
      ["rename", "foo"],
      ["unit", "tests"],
      ["model", "data"],
      ["chart", "data"],
      ["undu", "the", "mess"],
      ["lern list"],
      ["lern", "how this project is built"],
    ]) {
      expect(parseArgs(words).task).toBe(words.join(" "));
    }
  });

  test("that begins one alone is refused too", () => {
    for (const [word, meant] of [
      ["stat", "status"],
      ["mod", "models"],
    ] as const) {
      expect(refusal(word).message).toBe(`unknown command "${word}": did you mean ${meant}?`);
    }
    // Several begin so, or it is too short to be meant.
    expect(parseArgs(["st"]).task).toBe("st");
  });

  test("that is not near any is a task", () => {
    expect(parseArgs(["refactor"]).task).toBe("refactor");
  });

  test("of a later version is refused where it is typed exactly, and only there", () => {
    for (const [name, row] of Object.entries(COMMANDS)) {
      if (row.ready) continue;
      expect(refusal(name).message).toBe(`"${name}" is not in this version of OpenKoi`);
    }
    expect(refusal("update", "the", "README").remedy).toBe("To run it as a task: openkoi -- update the README");
    expect(parseArgs(["update the README"]).task).toBe("update the README");
  });

  test("takes no words and no flags that it does not know", () => {
    expect(refusal("status", "now").message).toBe('"status" takes no arguments, got "now"');
    expect(refusal("status", "--budget", "3").message).toBe('"status" does not take --budget');
    expect(refusal("fix it", "--json").message).toBe("a task does not take --json");
  });

  test("help is another way to ask for it", () => {
    expect(parseArgs(["help"])).toEqual({ command: "run", flags: { help: true } });
    expect(parseArgs(["help", "status"])).toEqual({ command: "status", flags: { help: true } });
  });
});

describe("a flag", () => {
  test("is written with a space, with =, or behind its letter", () => {
    for (const argv of [["-i", "4"], ["-i4"], ["-i=4"], ["--iterate", "4"], ["--iterate=4"]]) {
      expect(parseArgs([...argv, "fix it"]).flags.iterate).toBe(4);
    }
  });

  test("may be given several times where it is a list", () => {
    expect(parseArgs(["--add-dir", "a", "--add-dir=b", "fix it"]).flags.addDir).toEqual(["a", "b"]);
  });

  test("given twice counts the last time", () => {
    expect(parseArgs(["-q", "0.5", "-q", "0.7", "fix it"]).flags.quality).toBe(0.7);
  });

  test("that is unknown is refused, with the one that was meant", () => {
    expect(refusal("--modle", "a/b", "fix it").message).toBe("unknown flag --modle: did you mean --model?");
    expect(refusal("--iterations=3", "fix it").message).toContain("--iterations");
    expect(refusal("-x", "fix it").message).toBe("unknown flag -x");
    expect(refusal("-iterate", "3", "fix it").message).toBe("unknown flag -iterate: did you mean --iterate?");
  });

  test("without its value is refused", () => {
    expect(refusal("fix it", "--model").message).toBe("--model needs a value");
    expect(refusal("--model", "--yes", "fix it").message).toBe("--model needs a value");
    expect(refusal("--model=", "fix it").message).toBe("--model needs a value");
    expect(refusal("--yes=true", "fix it").message).toBe("--yes takes no value");
  });

  test("with a number out of its range is refused, with the range", () => {
    expect(refusal("-q", "1.5", "fix it").remedy).toBe("It is a number from 0 to 1.");
    expect(refusal("-i", "-1", "fix it").message).toBe('-i cannot be "-1"');
    expect(refusal("-i", "2.5", "fix it").remedy).toContain("a whole number");
    for (const text of ["abc", "0x10", "1e3", "NaN", "Infinity"]) {
      expect(refusal("--budget", text, "fix it").message).toBe(`--budget cannot be "${text}"`);
    }
  });

  test("with a closed list of values names them", () => {
    const error = refusal("--format", "markdwon", "fix it");
    expect(error.message).toBe('--format cannot be "markdwon": did you mean markdown?');
    expect(error.remedy).toBe("It is one of text, json, stream-json, markdown.");
  });

  test("that contradicts another is refused", () => {
    expect(refusal("--quiet", "--verbose", "fix it").message).toBe("--quiet and --verbose exclude each other");
    expect(refusal("--yes", "--permission", "read-only", "fix it").message).toContain("exclude each other");
    expect(parseArgs(["--yes", "--permission", "auto", "fix it"]).flags.yes).toBe(true);
    expect(refusal("--record", "a", "--replay", "b", "fix it").message).toContain("exclude each other");
  });

  test("has a name, a letter and a help line that no other one has", () => {
    const names = Object.keys(FLAGS) as FlagName[];
    const letters = Object.values(FLAGS).flatMap((row) => ("short" in row ? row.short : []));
    expect(new Set(names.map(flagText)).size).toBe(names.length);
    expect(new Set(letters).size).toBe(letters.length);
  });
});

describe("the settings that flags make", () => {
  test("name the config's own keys, and a role's flag outranks --model", () => {
    const { flags } = parseArgs(["--planner", "x/plan", "-m", "a/b", "-i", "0", "--yes", "--redact", "fix it"]);
    expect(configOverrides(flags)).toEqual({
      "models.executor": "a/b",
      "models.evaluator": "a/b",
      "models.planner": "x/plan",
      "iteration.max_iterations": 0,
      "permissions.mode": "auto",
      "redaction.enabled": true,
    });
  });

  test("are all understood by the config", async () => {
    const argv = [
      "-m",
      "a/b",
      "-i",
      "5",
      "-q",
      "0.9",
      "--budget",
      "1.5",
      "--timeout",
      "60",
      "--permission",
      "read-only",
    ];
    const { flags } = parseArgs([...argv, "--sandbox", "off", "--redact", "fix it"]);
    const paths = resolvePaths({ HOME: "/nowhere" });
    const { config } = await loadConfig({ paths, env: {}, flags: configOverrides(flags) });
    expect(config.iteration).toMatchObject({ max_iterations: 5, quality_threshold: 0.9, timeout_seconds: 60 });
    expect(config.safety.max_cost_usd).toBe(1.5);
    expect(config.permissions.mode).toBe("read-only");
    expect(config.sandbox.mode).toBe("off");
    expect(config.models.planner).toBe("a/b");
  });
});

test("any arguments are either understood or refused in one line", () => {
  const words = fc.oneof(
    fc.string(),
    fc.constantFrom("-i", "--", "-", "--model", "3", "status", "--format=json", "-C", "--yes", "-m=", "chat", "help"),
  );
  fc.assert(
    fc.property(fc.array(words), (argv) => {
      try {
        const line = parseArgs(argv);
        expect(Object.keys(COMMANDS)).toContain(line.command);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        const { message, remedy } = error as UsageError;
        expect(`${message}${remedy}`.length).toBeGreaterThan(10);
      }
    }),
  );
});
