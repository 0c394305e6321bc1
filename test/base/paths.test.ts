import { describe, expect, test } from "bun:test";
import { homedir } from "node:os";
import { expandHome, projectPaths, resolvePaths } from "../../src/base/paths.ts";

describe("the places of OpenKoi", () => {
  test("lie under the user's home folder", () => {
    const paths = resolvePaths({ HOME: "/h" });
    expect(paths.home).toBe("/h/.openkoi");
    expect(paths.config).toBe("/h/.openkoi/config.toml");
    expect(paths.configNamed).toBe(false);
    expect(paths.auth).toBe("/h/.openkoi/auth.json");
    expect(paths.integrations).toBe("/h/.openkoi/credentials/integrations.json");
    expect(paths.skills.proposed).toBe("/h/.openkoi/skills/proposed");
    expect(paths.evaluators.managed).toBe("/h/.openkoi/evaluators/managed");
    expect(paths.currentTask).toBe("/h/.openkoi/state/current-task.json");
    expect(paths.history).toBe("/h/.openkoi/state/task-history.jsonl");
    expect(paths.toolOutput).toBe("/h/.openkoi/tool-output");
    expect(paths.plugins).toEqual({ wasm: "/h/.openkoi/plugins/wasm", scripts: "/h/.openkoi/plugins/scripts" });
    expect(paths.data).toBe("/h/.local/share/openkoi");
    expect(paths.database).toBe("/h/.local/share/openkoi/openkoi.db");
    expect(paths.sessions).toBe("/h/.local/share/openkoi/sessions");
  });

  test("move with OPENKOI_HOME, the data with them", () => {
    const paths = resolvePaths({ HOME: "/h", OPENKOI_HOME: "/o" });
    expect(paths.home).toBe("/o");
    expect(paths.config).toBe("/o/config.toml");
    expect(paths.data).toBe("/o/data");
    expect(paths.userHome).toBe("/h");
  });

  test("OPENKOI_DATA moves the data alone, OPENKOI_CONFIG the config file alone", () => {
    const paths = resolvePaths({ HOME: "/h", OPENKOI_HOME: "/o", OPENKOI_DATA: "~/d", OPENKOI_CONFIG: "/c.toml" });
    expect(paths.home).toBe("/o");
    expect(paths.data).toBe("/h/d");
    expect(paths.config).toBe("/c.toml");
    expect(paths.configNamed).toBe(true);
  });

  test("fall back to the system's home folder", () => {
    expect(resolvePaths({}).userHome).toBe(homedir());
    expect(resolvePaths({ HOME: "" }).userHome).toBe(homedir());
  });
});

test("a project's places lie in its root", () => {
  const project = projectPaths("/p");
  expect(project.config).toBe("/p/.openkoi/config.toml");
  expect(project.skills).toBe("/p/.agents/skills");
  expect(project.mcp).toBe("/p/.mcp.json");
});

test("a leading tilde is the home folder, any other is not", () => {
  expect(expandHome("~", { HOME: "/h" })).toBe("/h");
  expect(expandHome("~/a", { HOME: "/h" })).toBe("/h/a");
  expect(expandHome("~bob/a", { HOME: "/h" })).toBe("~bob/a");
  expect(expandHome("/x/~", { HOME: "/h" })).toBe("/x/~");
});
