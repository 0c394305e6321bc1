/**
 * What every check finds in its environment beside the task's own. It asks runners for plain text, for a single run
 * instead of watching, and for the names of what passed, without touching the user's command.
 */
export function checkEnvironment(): Record<string, string> {
  return {
    CI: "true",
    NO_COLOR: "1",
    TERM: "dumb",
    PAGER: "cat",
    CARGO_TERM_COLOR: "never",
    // Compiled files would look like changes of the task.
    PYTHONDONTWRITEBYTECODE: "1",
    // A list of failed, passed and skipped tests at the end, and the other tests even where one file is broken.
    PYTEST_ADDOPTS: "-rfEsp --continue-on-collection-errors",
  };
}
