/** A task that somebody gives again and again, in the words that they happen to use. */
export interface Wording {
  /** Unique. */
  key: string;
  category: string;
  /** The usual one first. `{n}`, `{name}`, `{part}` and `{version}` differ from time to time. */
  texts: readonly [string, ...string[]];
  /** Tasks with some of the same words that are other tasks. */
  alike: readonly string[];
}

/** Every wording of a task has its own three or four words in it; around them people vary. */
export const WORDINGS = (): readonly Wording[] => [
  {
    key: "triage",
    category: "general",
    texts: [
      "triage the new issues",
      "triage new github issues",
      "please triage the new issues of today",
      "new issues: triage them",
    ],
    alike: ["why does the issues page load so slowly?", "close the duplicate issues about fonts"],
  },
  {
    key: "weekly-report",
    category: "prose",
    texts: [
      "write the weekly report for week {n}",
      "weekly report, week {n}",
      "write weekly report for {name}, week {n}",
      "please write the weekly report",
    ],
    alike: ["why is the report table cut off when printed?", "translate the annual report into French"],
  },
  {
    key: "update-dependencies",
    category: "code",
    texts: [
      "update the npm dependencies and run the tests",
      "update npm dependencies, then run the tests",
      "please update all npm dependencies and run tests",
    ],
    alike: ["explain what the peer dependencies field does", "remove lodash from the dependencies"],
  },
  {
    key: "changelog",
    category: "prose",
    texts: [
      "update the changelog for version {version}",
      "changelog: update it for version {version}",
      "update changelog for the new version {version}",
    ],
    alike: ["explain how the changelog parser splits headings", "find out who deleted the old changelog"],
  },
  {
    key: "summarise-reviews",
    category: "general",
    texts: [
      "summarise the open pull requests",
      "summarise open pull requests for {name}",
      "give me a summary: summarise all open pull requests",
    ],
    alike: ["why was the pull request of Tomas reverted?", "rebase my pull request on the release branch"],
  },
  {
    key: "unit-tests",
    category: "test",
    texts: [
      "write unit tests for the {part} module",
      "write missing unit tests for module {part}",
      "please write unit tests for the {part} module",
    ],
    alike: ["why do the unit tests leave temp folders behind?", "delete the module that nobody imports"],
  },
  {
    key: "invoice-totals",
    category: "sql",
    texts: [
      "compute the invoice totals per customer",
      "compute invoice totals per customer for month {n}",
      "invoice totals per customer, compute them again",
    ],
    alike: ["add a customer number to the invoice footer", "which customer has no invoice address?"],
  },
  {
    key: "clean-logs",
    category: "general",
    texts: [
      "find errors in the server log of last night",
      "look for errors in the server log of last night",
      "errors in last night's server log, find them",
    ],
    alike: ["rotate the log files after 10 MB", "install a log viewer on the new server"],
  },
  {
    key: "meeting-notes",
    category: "prose",
    texts: [
      "turn the meeting notes into action items",
      "turn meeting notes of {name} into action items",
      "meeting notes: turn them into action items please",
    ],
    alike: ["where did we decide on the meeting room names?", "shorten the notes about onboarding"],
  },
  {
    key: "translate-strings",
    category: "prose",
    texts: [
      "translate the new strings into German",
      "translate new interface strings into German",
      "please translate the new strings into German, {n} of them",
    ],
    alike: ["sort the strings file by key", "does the German date picker start on Monday?"],
  },
  {
    key: "backup-check",
    category: "general",
    texts: [
      "check that the database backup is complete",
      "check the database backup of {name}: complete?",
      "is the database backup complete? check it",
    ],
    alike: ["document how the database is upgraded", "encrypt the backup of the laptop"],
  },
  {
    key: "screenshots",
    category: "general",
    texts: [
      "resize the product screenshots for the website",
      "resize new product screenshots for the website",
      "product screenshots for the website: resize to {n} pixels",
    ],
    alike: ["add a product page for the starter kit", "why is the website header blurred?"],
  },
  {
    key: "api-docs",
    category: "api",
    texts: [
      "regenerate the api reference from the source comments",
      "regenerate api reference from source comments",
      "please regenerate the api reference from the comments in the source",
    ],
    alike: ["add a rate limit to the public api", "remove the comments left by the old linter"],
  },
  {
    key: "expense-list",
    category: "general",
    texts: [
      "sort the expense receipts into the spreadsheet",
      "sort new expense receipts into the spreadsheet",
      "expense receipts of {name}: sort them into the spreadsheet",
    ],
    alike: ["convert the address spreadsheet to csv", "what is the limit for a travel expense?"],
  },
  {
    key: "release-build",
    category: "code",
    texts: [
      "build the release archives for version {version}",
      "build release archives, version {version}",
      "please build the release archives of version {version}",
    ],
    alike: ["why is the archive of the site so large?", "which release dropped node 16?"],
  },
  {
    key: "newsletter",
    category: "prose",
    texts: [
      "draft the customer newsletter from the blog posts",
      "draft customer newsletter from the last {n} blog posts",
      "customer newsletter: draft it from this month's blog posts",
    ],
    alike: ["fix the unsubscribe link in the newsletter footer", "add tags to the blog feed"],
  },
  {
    key: "schema-dump",
    category: "sql",
    texts: [
      "dump the staging schema and compare it with production",
      "compare the staging schema dump with production",
      "dump staging schema, compare with production schema",
    ],
    alike: ["add an index to the staging orders table", "who has access to production?"],
  },
  {
    key: "lint-fixes",
    category: "code",
    texts: [
      "fix the lint warnings in the {part} package",
      "fix lint warnings, package {part}",
      "please fix all lint warnings in the {part} package",
    ],
    alike: ["turn off the lint rule about default exports", "publish the fonts as a package"],
  },
];

export const SLOTS = {
  name: ["Anna", "the board", "Mehmet", "sales", "the Berlin team", "Priya", "support", "Lars"],
  part: ["parser", "billing", "login", "search", "upload", "router", "cache", "mailer", "export"],
} as const;

/** What is used by name: its text is always the same. */
export const ACTIONS = {
  command: ["status --costs", "learn list", "export all", "models --refresh", "doctor", "undo"],
  skill: ["release-notes", "code-review", "standup-summary", "sql-tuning", "incident-report"],
  integration: ["slack_send", "github_create_issue", "notion_write_doc", "jira_search", "gmail_send"],
} as const;

/** What people say around a task. */
export const CHATTER = {
  before: ["hey, ", "again: ", "now ", "quickly ", "next: ", "Could you ", "koi, "],
  after: [
    ", thanks",
    " before lunch",
    " as last time",
    " – no hurry",
    " and tell me when it is done",
    "!",
    " for {name}",
  ],
} as const;
