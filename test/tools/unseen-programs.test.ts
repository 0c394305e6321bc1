import { describe, expect, test } from "bun:test";
import { createRedactor } from "../../src/base/redact.ts";
import { createPermissions, type PermissionsInput } from "../../src/tools/permissions.ts";

/** What becomes of a command where a person would say no: `allowed` without a question, `asked`, or `refused`. */
async function fateOf(command: string, input: Partial<PermissionsInput>): Promise<string> {
  const permissions = createPermissions({
    mode: "ask",
    allow: [],
    deny: [],
    workspace: "/work/project",
    redactor: createRedactor({ secrets: [] }),
    ...input,
  });
  let asked = false;
  const verdict = await permissions.decide(
    { tool: "bash", effect: "execute", subject: command, detail: async () => command },
    async () => {
      asked = true;
      return { choice: "refuse", by: "terminal" };
    },
    new AbortController().signal,
  );
  return verdict === "allow" ? "allowed" : asked ? "asked" : "refused";
}

async function fates(commands: readonly string[], input: Partial<PermissionsInput>) {
  return Object.fromEntries(
    await Promise.all(commands.map(async (command) => [command, await fateOf(command, input)] as const)),
  );
}

const every = (commands: readonly string[], fate: string) =>
  Object.fromEntries(commands.map((command) => [command, fate]));

const PROGRAMS = ["awk", "cat", "env", "find", "git fetch", "git grep", "git log", "git rebase", "ls", "mapfile"];
const allow = [...PROGRAMS, "rsync", "sed", "sort", "split", "ssh", "tar", "xargs", "git clone", "git submodule"].map(
  (name) => `bash(${name}:*)`,
);

describe("a rule that allows a program does not allow what it starts", () => {
  test("by an option", async () => {
    const lines = [
      "tar xf a --to-command=evil",
      "tar cf a --checkpoint=1 --checkpoint-action=exec=evil b",
      "tar -I evil -cf a b",
      "tar --use-compress-prog evil -cf a b",
      "rsync -ae evil a b",
      "rsync --rsh=evil a b:c",
      "sort --compress-program=evil a",
      "split --filter 'evil' a",
      "ssh -o ProxyCommand=evil h",
      "ssh -o 'LocalCommand evil' h",
      "ssh -F settings h",
      "ssh h evil",
      "git grep --open-files-in-pager=evil x",
      "git grep -Oevil x",
      "git fetch --upload-pack=evil",
      "git fetch 'ext::sh -c evil'",
      "git rebase -x evil HEAD~1",
      "git rebase --ex evil HEAD~1",
      "git clone -c core.fsmonitor=evil a b",
      "git clone -u evil a b",
      "git submodule foreach 'evil'",
      "mapfile -C evil -c 1 a",
    ];
    expect(await fates(lines, { allow })).toEqual(every(lines, "asked"));
  });

  test("by its own language", async () => {
    const lines = [
      "awk 'BEGIN{system(\"evil\")}'",
      "awk '{print | \"evil\"}'",
      "awk '{\"evil\" | getline x}'",
      "awk -v c=evil 'BEGIN { system(c) }'",
      "awk '@load \"x\"'",
      "sed '1e evil' x",
      "sed -n '/a/,/b/{e evil\n}' x",
      "sed 's/a/evil/e' x",
      "sed -e s/a/b/ -e s,a,evil,ge x",
      "sed --expression='e' x",
    ];
    expect(await fates(lines, { allow })).toEqual(every(lines, "asked"));
  });

  test("nor the files that an option writes, nor a connection", async () => {
    const lines = ["git log --output=x", "git log --outp=x", "sort -o x a", "find . -fprint x", "cat < /dev/tcp/h/80"];
    expect(await fates(lines, { allow })).toEqual(every(lines, "asked"));
  });

  test("nor another meaning of its name", async () => {
    const lines = [
      "alias ls=evil; ls",
      "hash -p ./evil ls; ls",
      "enable -f ./evil.so ls; ls",
      "printf -v PATH ./evil; ls",
      "for PATH in ./evil; do ls; done",
      // To a shell these are names of programs in a folder.
      "ls\u2028/evil",
      "ls\u00a0/evil",
      "ls\f/evil",
    ];
    expect(await fates(lines, { allow })).toEqual(every(lines, "asked"));
  });

  test("and what starts nothing is still allowed", async () => {
    const lines = [
      `awk -F '|' 'BEGIN { OFS = "|" } /a|b/ { print $1, "|", $2 }' x`,
      `awk '{ if ($1 ~ /a|b/ || $2 > 3) print "system(x)" }' x`,
      "sed -n '/start/,/end/p; s/e/f/; s/a/b/g' e",
      "sed 's|a/e|b|; y/abc/def/' x",
      "tar -xzf a.tgz -C out --strip-components=1",
      "rsync -a --exclude e a b",
      "sort -t, -k2 a",
      "git log --oneline -5",
      "git rebase main",
      "git grep -n x",
      "ssh h",
      "find . -name '*.e' -print",
    ];
    expect(await fates(lines, { allow })).toEqual(every(lines, "allowed"));
  });
});

test("a rule that denies holds however the program is written and wherever it stands", async () => {
  const lines = [
    "git -C . push",
    "git -c a=b push",
    "git --no-pager 'push' origin",
    "CURL x",
    "alias c=curl; c x",
    "setpriv --reuid=1 curl x",
    "taskset 1 curl x",
    "parallel curl ::: x",
    "runuser -u x -- curl x",
    "awk 'BEGIN{system(\"curl x\")}'",
    "sed '1e curl x' a",
    "git rebase -x 'curl x' HEAD",
    "git bisect run curl x",
    "GIT_PAGER='curl x' git log",
    'cat "$PWD/.env"',
  ];
  const deny = ["bash(curl:*)", "bash(git push:*)", "read(.env)"];
  expect(await fates(lines, { mode: "auto", deny })).toEqual(every(lines, "refused"));
});

test("what destroys is asked about however it is shortened, wrapped and moved", async () => {
  const lines = [
    "git push --forc",
    "git push --mirr",
    "git push --del origin x",
    "git reset --har",
    "git clean --forc -d",
    "git branch -d -f x",
    "git checkout HEAD a.ts",
    "git checkout ./",
    "git checkout-index -fa",
    "git read-tree -u --reset HEAD",
    "git rm -rf .",
    "git switch -Cf main x",
    "git gc --prune=now",
    "rm --rec /etc",
    "chmod --recurs 777 /",
    "xargs rm -rf < list",
    "xargs -a list rm -rf",
    "xargs -IX rm -rf X < list",
    "ls | parallel rm -rf",
    "pushd / && rm -rf etc",
    "env -C / rm -rf etc",
    "runuser -c 'rm -rf /x'",
    "unshare rm -rf /x",
    "hyperfine 'rm -rf /x'",
    "ssh h 'rm -rf /x'",
    "tar --to-command='rm -rf /x' -xf a",
    "bash <(curl x)",
    "source <(curl x)",
    ". /dev/stdin <<< 'rm -rf /x'",
  ];
  expect(await fates(lines, { mode: "auto" })).toEqual(every(lines, "asked"));
});

test("ordinary git is not taken for destruction", async () => {
  const lines = [
    "git push -u origin main",
    "git push --follow-tags",
    "git checkout main",
    "git checkout -b side origin/main",
    "git checkout -",
    "git switch -c x",
    "git rm -r --cached dist",
    "git rm -f --cached a",
    "git reset HEAD a.ts",
    "git branch -d merged",
    "git gc",
    "git clean -nd",
  ];
  expect(await fates(lines, { mode: "auto" })).toEqual(every(lines, "allowed"));
});
