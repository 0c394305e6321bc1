import type { Candidate } from "./candidate.ts";
import type { Folder } from "./folder.ts";
import { javascriptChecks } from "./javascript.ts";
import { makeChecks } from "./make.ts";
import { cargoMembers, MOST_MEMBERS } from "./members.ts";
import { pythonChecks } from "./python.ts";

/** One tool that checks, as a kind of project offers it. */
interface Tool {
  kind: Candidate["kind"];
  /** Any of these files or folders must be there beside the kind's marker; absent: no condition. */
  where?: readonly string[];
  /** Undefined: not in this project after all. Several: one for each member of a monorepo. */
  command: string | ((folder: Folder) => string | Command[] | undefined);
  /** A command line that would run the same. */
  runs: RegExp;
}

/** A command that is about one member of a monorepo. */
interface Command {
  command: string;
  /** Relative to the folder. */
  member: string;
}

/** A kind of project: how it is known, and what it runs. A new kind is one more row. */
interface ProjectKind {
  name: string;
  /** Any of these makes a folder one of this kind; `*.ext` is understood. */
  markers: readonly string[];
  tools?: readonly Tool[];
  /** Where reading the project's files takes more than a row. */
  read?: (folder: Folder, programs: Programs) => Candidate[];
  /** Where its runner leaves JUnit XML, as globs. */
  reports?: readonly string[];
}

/** What stands for a program that may be somewhere else than on PATH. */
export interface Programs {
  bun: string;
}

/** Every kind of project that is known. The order is that of the checks. */
export function projectKinds(): ProjectKind[] {
  return [
    {
      name: "JavaScript",
      markers: ["package.json", "bunfig.toml", "*.test.ts", "*.test.js", "src", "test", "tests"],
      read: (folder, programs) => javascriptChecks(folder, programs.bun),
    },
    {
      name: "Deno",
      markers: ["deno.json", "deno.jsonc"],
      tools: [
        {
          kind: "test",
          command: (folder) => (settingsOf(folder, "tasks", "test") ? "deno task test" : "deno test"),
          runs: /\bdeno (?:task )?test\b/,
        },
        { kind: "static", command: (folder) => settingsOf(folder, "lint") && "deno lint", runs: /\bdeno lint\b/ },
      ],
    },
    {
      name: "Python",
      markers: [
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "pytest.ini",
        "tox.ini",
        "requirements.txt",
        "*.py",
        "test",
        "tests",
      ],
      read: pythonChecks,
    },
    {
      name: "Cargo",
      markers: ["Cargo.toml"],
      tools: [
        {
          kind: "test",
          command: cargo,
          runs: /\bcargo (?:t|test|nextest)\b/,
        },
        {
          kind: "static",
          where: ["clippy.toml", ".clippy.toml"],
          command: "cargo clippy --all-targets",
          runs: /\bcargo clippy\b/,
        },
      ],
    },
    {
      name: "Go",
      markers: ["go.mod"],
      tools: [
        { kind: "test", command: "go test -json ./...", runs: /\bgo test\b/ },
        {
          kind: "static",
          where: [".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json"],
          command: "golangci-lint run",
          runs: /\bgolangci-lint\b/,
        },
      ],
    },
    {
      name: "Go workspace",
      markers: ["go.work"],
      tools: [{ kind: "test", command: goWorkspace, runs: /\bgo test\b/ }],
    },
    {
      name: "Maven",
      markers: ["pom.xml"],
      tools: [
        {
          kind: "test",
          command: (folder) => `${folder.has("mvnw") ? "./mvnw" : "mvn"} -B test`,
          runs: /\bmvnw? (?:-\S+ )*(?:test|verify|package)\b/,
        },
      ],
      reports: ["**/target/surefire-reports/*.xml", "**/target/failsafe-reports/*.xml"],
    },
    {
      name: "Gradle",
      markers: ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"],
      tools: [
        {
          kind: "test",
          command: (folder) => `${folder.has("gradlew") ? "./gradlew" : "gradle"} --no-daemon --console=plain test`,
          runs: /\bgradlew? (?:-\S+ )*(?:test|check|build)\b/,
        },
      ],
      reports: ["**/build/test-results/*/*.xml"],
    },
    {
      name: ".NET",
      markers: ["*.sln", "*.slnx", "*.csproj", "*.fsproj"],
      tools: [{ kind: "test", command: "dotnet test --nologo", runs: /\bdotnet test\b/ }],
    },
    {
      name: "Mix",
      markers: ["mix.exs"],
      tools: [
        { kind: "test", command: "mix test", runs: /\bmix test\b/ },
        { kind: "static", where: [".credo.exs"], command: "mix credo", runs: /\bmix credo\b/ },
      ],
    },
    {
      name: "RSpec",
      markers: [".rspec", "spec"],
      tools: [
        {
          kind: "test",
          where: [".rspec", "spec/spec_helper.rb"],
          command: (folder) => (/\brspec\b/.test(folder.text("Gemfile")) ? "bundle exec rspec" : "rspec"),
          runs: /\brspec\b/,
        },
      ],
    },
    {
      name: "RuboCop",
      markers: [".rubocop.yml"],
      tools: [
        {
          kind: "static",
          command: (folder) => (/\brubocop\b/.test(folder.text("Gemfile")) ? "bundle exec rubocop" : "rubocop"),
          runs: /\brubocop\b/,
        },
      ],
    },
    {
      name: "PHP",
      markers: ["composer.json", "phpunit.xml", "phpunit.xml.dist"],
      tools: [
        {
          kind: "test",
          where: ["phpunit.xml", "phpunit.xml.dist"],
          command: (folder) =>
            folder.has("vendor/bin/phpunit") || folder.has("composer.json") ? "vendor/bin/phpunit" : "phpunit",
          runs: /\bphpunit\b/,
        },
        {
          kind: "static",
          where: ["phpstan.neon", "phpstan.neon.dist"],
          command: "vendor/bin/phpstan analyse --no-progress",
          runs: /\bphpstan\b/,
        },
      ],
    },
    {
      name: "CMake",
      markers: ["CMakeLists.txt"],
      tools: [{ kind: "test", command: ctest, runs: /\bctest\b/ }],
    },
    { name: "Make", markers: ["Makefile", "makefile", "GNUmakefile"], read: makeChecks },
  ];
}

/** What a folder of some kind offers, doubles included. */
export function candidatesIn(folder: Folder, programs: Programs): Candidate[] {
  return projectKinds()
    .filter((kind) => kind.markers.some((marker) => folder.has(marker)))
    .flatMap((kind) => [...toolsOf(kind, folder), ...(kind.read?.(folder, programs) ?? [])]);
}

function toolsOf(kind: ProjectKind, folder: Folder): Candidate[] {
  const marker = kind.markers.find((name) => folder.has(name))!;
  return (kind.tools ?? []).flatMap((tool) => {
    const where = tool.where?.find((name) => folder.has(name));
    if (tool.where && where === undefined) return [];
    const made = typeof tool.command === "string" ? tool.command : tool.command(folder);
    const commands = typeof made === "string" ? [{ command: made, member: "." }] : (made ?? []);
    return commands.map(({ command, member }) => ({
      kind: tool.kind,
      command,
      folder,
      source: where ?? marker,
      runs: tool.runs,
      ...(member === "." ? {} : { member: folder.below(member).path }),
    }));
  });
}

/** Globs of the JUnit files that the runner of a folder's kind may leave. */
export function reportGlobs(folder: Folder): string[] {
  return projectKinds()
    .filter((kind) => kind.reports && kind.markers.some((marker) => folder.has(marker)))
    .flatMap((kind) => kind.reports!);
}

function settingsOf(folder: Folder, ...keys: string[]): string | undefined {
  const file = ["deno.json", "deno.jsonc"].find((name) => folder.has(name));
  let value: unknown = file && folder.json(file);
  for (const key of keys) value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return value === undefined ? undefined : "yes";
}

/** Each member of a workspace by itself, so that only what was touched is tested. */
function cargo(folder: Folder): string | Command[] {
  const all = "cargo test --no-fail-fast";
  if (!/^\[workspace\]/m.test(folder.text("Cargo.toml"))) return all;
  const members = cargoMembers(folder);
  if (!members || members.length < 2 || members.length > MOST_MEMBERS) return `${all} --workspace`;
  const own = /^\[package\]/m.test(folder.text("Cargo.toml")) ? [{ command: all, member: "." }] : [];
  return [...own, ...members.map(({ name, path }) => ({ command: `${all} -p ${name}`, member: path }))];
}

/** `go test` does not look into the modules of a workspace by itself. */
function goWorkspace(folder: Folder): string | Command[] | undefined {
  if (folder.has("go.mod")) return undefined;
  const block = /^use\s*\(([^)]*)\)/m.exec(folder.text("go.work"))?.[1];
  const single = [...folder.text("go.work").matchAll(/^use ([^\s(]+)/gm)].map((match) => match[1]!);
  const modules = [...(block?.split(/\s+/) ?? []), ...single]
    .filter((path) => path !== "" && !path.startsWith("//"))
    .map((path) => path.replace(/\/$/, ""));
  const test = (paths: readonly string[]) => `go test -json ${paths.map((path) => `${path}/...`).join(" ")}`;
  if (modules.length === 0) return undefined;
  if (modules.length > MOST_MEMBERS) return test(modules);
  return modules.map((path) => ({ command: test([path]), member: path }));
}

/** CTest runs what was built: in the project's own build folder where there is one, else in one outside of it. */
function ctest(folder: Folder): string | undefined {
  if (!/^\s*(?:enable_testing\s*\(|include\s*\(\s*CTest\b)/im.test(folder.text("CMakeLists.txt"))) return undefined;
  const own = ["build", "out", "cmake-build-debug"].find((name) => folder.has(`${name}/CMakeCache.txt`));
  // The temp folder of the task, which only its own shell knows.
  const build = own ?? `"\${TMPDIR:-/tmp}/ctest-${Bun.hash(folder.path).toString(36)}"`;
  const configure = own ? "" : `cmake -S . -B ${build} && `;
  return `${configure}cmake --build ${build} && ctest --test-dir ${build} --output-on-failure`;
}
