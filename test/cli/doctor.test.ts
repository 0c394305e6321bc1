import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exit } from "../../src/base/errors.ts";
import { type Paths, resolvePaths } from "../../src/base/paths.ts";
import { createStyle } from "../../src/cli/display/style.ts";
import { type DoctorDeps, doctor } from "../../src/cli/doctor.ts";
import type { ProviderStatus } from "../../src/contracts/provider.ts";

let dir = "";
let paths: Paths;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "openkoi-doctor-"));
  paths = resolvePaths({ HOME: dir });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const provider = (id: string, state: ProviderStatus["state"], more: Partial<ProviderStatus> = {}): ProviderStatus => ({
  id,
  displayName: id,
  source: state === "missing" ? undefined : `environment ${id.toUpperCase()}_KEY`,
  state,
  baseUrl: "https://x.test",
  defaultModel: undefined,
  ...more,
});

async function examine(more: Partial<DoctorDeps> = {}, fix = false) {
  let text = "";
  const code = await doctor(
    {
      version: "2026.11.23",
      paths,
      config: { files: [], warnings: [] },
      providers: [provider("groq", "ready")],
      unreached: new Map(),
      models: [],
      skills: [],
      posture: { mode: "workspace", layers: ["namespaces", "landlock"], gaps: [] },
      log: { file: join(paths.logs, "openkoi.log"), level: "info" },
      style: createStyle(false),
      width: Number.POSITIVE_INFINITY,
      write: (part) => {
        text += part;
      },
      ...more,
    },
    fix ? { fix: true } : {},
  );
  return { code, text };
}

describe("doctor", () => {
  test("does not call a server ready that does not answer", async () => {
    const providers = [provider("groq", "ready"), provider("local", "ready", { source: undefined })];
    const { code, text } = await examine({ providers, unreached: new Map([["local", "connection refused"]]) });
    expect(code).toBe(Exit.ok);
    expect(text).toContain("✓ groq");
    expect(text).toContain("! local: not reachable at https://x.test: connection refused");
    expect(text).toContain("Start it, or mend its base_url.");
    expect(text).not.toContain("✓ local");
  });

  test("finds nothing broken in a fresh home", async () => {
    const { code, text } = await examine();
    expect(code).toBe(Exit.ok);
    expect(text).toContain("✓ no config file: defaults are used");
    expect(text).toContain(`✓ ${paths.home} (will be created)`);
    expect(text).toContain("✓ groq: environment GROQ_KEY");
    expect(text).toContain("✓ namespaces, landlock");
    expect(text).toMatch(/disk\n {2}[✓!] \d+\.\d GB free at /);
    expect(text).toEndWith("nothing is broken\n");
  });

  test("shows what is wrong with the config, and goes on", async () => {
    const problem = { problem: "TOML parse error in config.toml, line 3", remedy: "Mend the value." };
    const { code, text } = await examine({ config: problem });
    expect(code).toBe(Exit.failure);
    expect(text).toContain("✗ TOML parse error in config.toml, line 3\n    Mend the value.\n");
    expect(text).toContain("groq");
    expect(text).toEndWith("broken: 1\n");
    const { text: warned } = await examine({ config: { files: ["/x/config.toml"], warnings: ["unknown key a.b"] } });
    expect(warned).toContain("✓ /x/config.toml\n  ! unknown key a.b\n");
  });

  test("finds secrets that others can read, and mends them with --fix", async () => {
    const key = join(paths.credentials, "groq.key");
    await mkdir(paths.credentials, { recursive: true });
    await writeFile(key, "secret");
    await writeFile(paths.auth, "{}");
    await chmod(paths.credentials, 0o755);
    await chmod(key, 0o644);
    await chmod(paths.auth, 0o600);

    const found = await examine();
    expect(found.code).toBe(Exit.failure);
    expect(found.text).toContain(
      `✗ ${key} can be read by others (644)\n    openkoi doctor --fix, or: chmod 600 ${key}`,
    );
    expect(found.text).toContain(`✗ ${paths.credentials} can be read by others (755)`);
    expect(found.text).toContain(`✓ ${paths.auth} (600)`);
    expect(found.text).not.toContain("secret");

    const mended = await examine({}, true);
    expect(mended.code).toBe(Exit.ok);
    expect(mended.text).toContain(`✓ ${key} (600, mended)`);
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    expect((await stat(paths.credentials)).mode & 0o777).toBe(0o700);
    expect((await examine()).code).toBe(Exit.ok);
  });

  test("finds a place where no folder can be", async () => {
    await writeFile(join(dir, ".openkoi"), "a file");
    const { code, text } = await examine();
    expect(code).toBe(Exit.failure);
    expect(text).toContain(`✗ ${paths.home}: it is not a folder`);
  });

  test("says of every provider how it stands, and that one is needed", async () => {
    const { code, text } = await examine({
      providers: [
        provider("anthropic", "restricted", { source: "Claude Code's login", remedy: "Name it to use it." }),
        provider("openai", "expired", { remedy: "Log in again." }),
        provider("xai", "missing"),
        provider("qwen", "missing"),
      ],
    });
    expect(code).toBe(Exit.failure);
    expect(text).toContain("! anthropic: [!] restricted: Claude Code's login\n    Name it to use it.");
    expect(text).toContain("! openai: expired: environment OPENAI_KEY\n    Log in again.");
    expect(text).toContain("✗ no provider is ready");
    expect(text).toContain("openkoi demo");
    expect(text).toContain("✓ not set up: xai, qwen");
  });

  test("calls it broken where nothing holds commands: unattended tasks cannot run any", async () => {
    const gaps = ["the kernel has no Landlock"];
    const { code, text } = await examine({ posture: { mode: "workspace", layers: [], gaps } });
    expect(text).toContain("✗ nothing holds commands here");
    expect(text).toContain("! the kernel has no Landlock");
    expect(code).toBe(Exit.failure);
  });

  test("says where the log lies, and how much is written to it", async () => {
    const file = join(paths.logs, "openkoi.log");
    expect((await examine()).text).toContain(`✓ log (info): ${file} (with its first line)`);
    await mkdir(paths.logs, { recursive: true });
    await writeFile(file, "");
    expect((await examine({ log: { file, level: "debug" } })).text).toContain(`✓ log (debug): ${file}\n`);
  });

  test("says why no task may work in this folder, which is no fault of the set-up", async () => {
    const refused = { problem: "/home/me is refused as a workspace", remedy: "Go to a project's folder." };
    const { code, text } = await examine({ refused });
    expect(code).toBe(Exit.ok);
    expect(text).toContain("! /home/me is refused as a workspace\n    Go to a project's folder.");
    expect(text).toContain("✓ namespaces, landlock");
  });

  test("says what the sandbox does not hold", async () => {
    const gaps = ["chmod outside the workspace"];
    const held = await examine({ posture: { mode: "workspace", layers: ["landlock"], gaps } });
    expect(held.text).toContain("✓ landlock\n  ! chmod outside the workspace");
    expect((await examine({ posture: { mode: "off", layers: [], gaps: [] } })).text).toContain(
      "! off: commands of a task",
    );
  });
});
