import { describe, expect, test } from "bun:test";
import { COMMANDS, type CommandName } from "../../src/cli/commands.ts";
import { FLAGS, type FlagName, flagText } from "../../src/cli/flags.ts";
import { helpText } from "../../src/cli/help.ts";

const commands = Object.keys(COMMANDS) as CommandName[];

describe("the help text", () => {
  test("fits on a screen", () => {
    for (const command of commands) {
      const lines = helpText(command).trimEnd().split("\n");
      expect(lines.length).toBeLessThanOrEqual(40);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  test("names every flag and every command that works, and none that does not", () => {
    const text = helpText("run");
    for (const name of Object.keys(FLAGS) as FlagName[]) expect(text).toContain(flagText(name));
    const listed = text.slice(text.indexOf("Commands"), text.indexOf("\nModels"));
    for (const command of commands) {
      if (command === "run") continue;
      expect(new RegExp(`[ ,]${command}(?![\\w-])`).test(listed)).toBe(COMMANDS[command].ready);
    }
  });

  test("of a command names its own flags alone", () => {
    expect(helpText("status")).toContain("--json");
    expect(helpText("status")).not.toContain("--budget");
  });
});
