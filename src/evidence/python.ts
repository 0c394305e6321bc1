import type { Candidate } from "./candidate.ts";
import { type Folder, ownFiles } from "./folder.ts";

/** A tool that checks without running, and how it is known that the project wants it. */
interface Linter {
  name: string;
  files: readonly string[];
  /** A heading in pyproject.toml, setup.cfg or tox.ini. */
  section: RegExp;
  command: string;
}

function linters(): Linter[] {
  return [
    { name: "mypy", files: ["mypy.ini", ".mypy.ini"], section: /^\[(?:tool\.)?mypy\]/m, command: "-m mypy" },
    { name: "ruff", files: ["ruff.toml", ".ruff.toml"], section: /^\[tool\.ruff\b/m, command: "-m ruff check ." },
    { name: "flake8", files: [".flake8"], section: /^\[flake8\]/m, command: "-m flake8" },
    { name: "pyright", files: ["pyrightconfig.json"], section: /^\[tool\.pyright\]/m, command: "-m pyright" },
  ];
}

/** pytest or unittest, whichever the project's files speak of, and the checkers that it configures. */
export function pythonChecks(folder: Folder): Candidate[] {
  const settings = ["pyproject.toml", "setup.cfg", "tox.ini"].map((name) => folder.text(name)).join("\n");
  const files = testFiles(folder);
  const python = interpreter(folder);
  const statics = linters()
    .filter((linter) => linter.files.some((name) => folder.has(name)) || linter.section.test(settings))
    .map(
      (linter): Candidate => ({
        kind: "static",
        command: `${python} ${linter.command}${linter.name === "mypy" && !namesFiles(folder, settings) ? " ." : ""}`,
        folder,
        source: `the settings of ${linter.name}`,
        runs: new RegExp(`\\b${linter.name}\\b`),
      }),
    );
  return [...testCheck(folder, settings, files, python), ...statics];
}

function testCheck(folder: Folder, settings: string, files: readonly string[], python: string): Candidate[] {
  const configured = folder.has("pytest.ini") || /^\[(?:tool\.pytest\b.*|tool:pytest|pytest)\]/m.test(settings);
  const texts = files.slice(0, 20).map((path) => folder.text(path));
  const written =
    files.some((path) => path.endsWith("conftest.py")) ||
    texts.some((text) => /^(?:import|from) pytest\b/m.test(text) || /^(?:async )?def test_/m.test(text));
  const source = configured ? "the settings of pytest" : (files[0] ?? "");
  if (configured || (written && files.length > 0)) {
    return [{ kind: "test", command: `${python} -m pytest`, folder, source, runs: /\b(?:pytest|py\.test)\b/ }];
  }
  const classes = files.filter((_, at) => /\bunittest\b|\bTestCase\b/.test(texts[at] ?? ""));
  if (classes.length > 0) {
    const command = `${python} -m unittest discover -v${startOf(folder, classes)}`;
    return [{ kind: "test", command, folder, source: classes[0]!, runs: /\bunittest\b/ }];
  }
  if (!folder.has("tox.ini")) return [];
  return [{ kind: "test", command: "tox", folder, source: "tox.ini", runs: /\btox\b/ }];
}

/** The project's own environment, else the one of its tool, else the system's. */
function interpreter(folder: Folder): string {
  const own = [".venv", "venv"].find((name) => folder.has(`${name}/bin/python`));
  if (own) return `${own}/bin/python`;
  if (folder.has("uv.lock")) return "uv run python";
  if (folder.has("poetry.lock")) return "poetry run python";
  return folder.has("Pipfile.lock") ? "pipenv run python" : "python3";
}

/** unittest looks only into packages, so a plain folder of tests is named, and a package's top with it. */
function startOf(folder: Folder, files: readonly string[]): string {
  const [first = [], ...others] = files.map((path) => path.split("/").slice(0, -1));
  const differs = first.findIndex((part, at) => others.some((parts) => parts[at] !== part));
  const common = differs < 0 ? first : first.slice(0, differs);
  if (common.length === 0) return "";
  let top = common.length;
  while (top > 0 && folder.has([...common.slice(0, top), "__init__.py"].join("/"))) top--;
  const start = ` -s ${common.join("/")}`;
  return top === common.length ? start : `${start} -t ${common.slice(0, top).join("/") || "."}`;
}

function namesFiles(folder: Folder, settings: string): boolean {
  return /^(?:files|packages|modules) *=/m.test(`${folder.text("mypy.ini")}\n${folder.text(".mypy.ini")}\n${settings}`);
}

/** Test files that belong to this project and not to one inside of it. */
function testFiles(folder: Folder): string[] {
  return ownFiles(folder, /(?:^|\/)(?:test_[^/]*|[^/]*_test|conftest)\.py$/, ["pyproject.toml", "setup.py"]);
}
