/** What a change of a file can touch, by its path. */
export type FileKind = "code" | "tests" | "docs";

/** Kinds by name, as evaluators name them (`touched_by`). */
export const FILE_KINDS: readonly FileKind[] = ["code", "tests", "docs"];

/**
 * The kind of a file, where the path leaves no doubt; everything else is code, also what is merely called text: prompts,
 * requirements and build files are texts too.
 */
export function kindOfFile(path: string): FileKind {
  const name = path.split("/").at(-1)!;
  if (/^(?:README|CHANGELOG|CHANGES|CONTRIBUTING|LICENSE|NOTICE|AUTHORS)(?:\.(?:md|rst|adoc|txt))?$/i.test(name)) {
    return "docs";
  }
  if (/^docs?\/(?:.*\/)?[^/]+\.(?:md|rst|adoc)$/i.test(path)) return "docs";
  // A product may have a module that is called so.
  return isTestFile(path) && !/(?:^|\/)testing\//.test(path) ? "tests" : "code";
}

/** True for files that hold tests, by the conventions of the languages that evidence/ knows. */
export function isTestFile(path: string): boolean {
  const name = path.split("/").at(-1)!;
  if (/[._](?:test|tests|spec)\.[cm]?[jt]sx?$/.test(name)) return true;
  if (/^test_.*\.py$|_test\.(?:py|go|exs|rb|dart|cc|cpp)$|_spec\.rb$|^conftest\.py$/.test(name)) return true;
  if (/(?:Test|Tests|IT|Spec)\.(?:java|kt|groovy|scala|cs|php|swift)$|\.(?:t|bats|snap)$/.test(name)) return true;
  return /(?:^|\/)(?:tests?|__tests__|spec|testing)\//.test(path) && /\.\w+$/.test(name) && !/\.(?:md|txt)$/.test(name);
}
