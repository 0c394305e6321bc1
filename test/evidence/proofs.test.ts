import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Check } from "../../src/contracts/evidence.ts";
import { canonical, refusal, screenProofs } from "../../src/evidence/proofs.ts";

const accepted = [
  "npm test",
  "CI=1 npm test -- --watch=false",
  "cat x | grep -q y",
  "test -f x",
  "[ -f x ]",
  "[[ -f a && -f b ]]",
  '[ "$(wc -l < a)" -gt 3 ]',
  'test "$(node a.js)" = "3"',
  "! grep -q a b",
  "grep -c foo bar.txt",
  'node -e "process.exit(1)"',
  "node -e \"if (require('./a').x() !== 2) process.exit(1)\"",
  'python3 -c "import x; assert x"',
  'python3 -c "from calc import subtract"',
  'python3 -c "import calc"',
  'python3 -c "print(calc)"',
  "perl -c x.pl",
  "ruby -c x.rb",
  "node -c x.js",
  "python3 - <<'EOF'\nimport a\nassert a.x == 1\nEOF",
  "cd sub && npm test",
  "npm run build",
  "node_modules/.bin/tsc --noEmit",
  "npx tsc --noEmit",
  "./run.sh | diff - expected.txt",
  "diff <(sort a) <(sort b)",
  "node a.js > /tmp/out && diff /tmp/out expected.txt",
  "d=$(mktemp -d) && cp -r . $d && cd $d && rm -rf x && npm test",
  "set -e; npm test; echo ok",
  "set -o pipefail; npm test | tail -5",
  "node server.js & P=$!; sleep 1; curl -sf localhost:3000; R=$?; kill $P; exit $R",
  "if grep -q x f; then echo ok; else exit 1; fi",
  "test -f a || { echo no; exit 1; }",
  "test -f a || exit 1; echo ok",
  "for f in *.js; do node --check $f || exit 1; done",
  "bash -c 'npm test'",
  "timeout 10 npm test",
  "git diff --exit-code",
  "git status --porcelain | grep -q x",
  "awk 'NR > 3 { exit 1 }' f",
  "echo '{}' | python3 -m json.tool",
  "case x in a) false;; esac",
  "command -v node",
];

const refused: [command: string, because: RegExp][] = [
  ["", /empty/],
  ["true", /always succeeds/],
  [":", /always succeeds/],
  ["echo done", /always succeeds/],
  ["printf x", /always succeeds/],
  ["exit 0", /always succeeds/],
  ["env true", /always succeeds/],
  ["timeout 5 true", /always succeeds/],
  ["(true)", /always succeeds/],
  ["bash -c 'echo hi'", /`echo hi`.*always succeeds/],
  ['echo "$(npm test)"', /always succeeds/],
  ["npm test || true", /`true` decides/],
  ["npm test || echo failed", /`echo failed` decides/],
  ["npm test; true", /`true` decides/],
  ["npm test; echo $?", /`echo \$\?` decides/],
  ["test -f x; echo $?", /`echo \$\?` decides/],
  ["grep -q a b && echo ok || echo no", /`echo no` decides/],
  ["if grep -q x f; then echo ok; else echo no; fi", /always succeeds/],
  ["npm test | tail -5", /`tail -5` decides/],
  ["npm test 2>&1 | head -50", /`head -50` decides/],
  ["npm test &", /background/],
  ["ls dist", /only shows/],
  ["cat a", /only shows/],
  ["pwd", /only shows/],
  ["wc -l a", /only shows/],
  ["git status", /only shows/],
  ["find . -name x", /only shows/],
  ["x=1", /variable/],
  ["test 1 = 1", /fixed texts/],
  ["[[ a == a ]]", /fixed texts/],
  ["node -e \"console.log('ok')\"", /fixed text/],
  ["python3 -c \"print('ok')\"", /fixed text/],
  ['python3 -c "pass"', /fixed text/],
  ["node -p 1", /fixed text/],
  ["perl -e 'print \"ok\"'", /fixed text/],
  ["php -r 'echo \"ok\";'", /fixed text/],
  ["false", /cannot pass/],
  ["exit 1", /cannot pass/],
  ["rm -rf dist", /changes something/],
  ["mkdir x && test -d x", /changes something/],
  ["sed -i s/a/b/ f", /changes something/],
  ["git push", /changes something/],
  ["git -C sub commit -m x", /changes something/],
  ["node x > out.txt", /writes to out\.txt/],
  ["npm ci && npm test", /installs/],
  ["pip install x", /installs/],
  ["eslint . --fix", /repairs/],
  ["sudo make test", /other rights/],
  ["vitest --watch", /does not end/],
  ["npm run dev", /does not end/],
  ["npm start", /does not end/],
  ["python3 -m http.server", /does not end/],
  ["tail -f log", /does not end/],
  ["docker compose up", /does not end/],
  ["vim a", /type/],
  ["python3", /type/],
  ['echo "x', /never closed/],
  ["a && && b", /cannot|can be read/],
];

describe("the plan's proofs", () => {
  test.each(accepted)("accepted: %s", (command) => {
    expect(refusal(command)).toBeUndefined();
  });

  test.each(refused)("refused: %s", (command, because) => {
    expect(refusal(command)).toMatch(because);
  });

  test("the reason says what to do instead", () => {
    expect(refusal("npm test || true")).toContain("test -f FILE");
  });

  test("whatever follows `|| true` or a last `; true`, it cannot fail", () => {
    fc.assert(
      fc.property(fc.constantFrom(...accepted.filter((one) => !/<<|exit|set -e/.test(one))), (command) => {
        expect(refusal(`{ ${command}; } || true`)).toBeDefined();
        expect(refusal(`(${command}); true`)).toBeDefined();
      }),
    );
  });

  test("no text makes the reader throw", () => {
    const piece = fc.constantFrom(
      ..."|&;()<>{}'\"`$\\! \n#".split(""),
      "if",
      "then",
      "fi",
      "do",
      "done",
      "a",
      "<<E",
      "$(",
      "[[ ",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 }))), (parts) => {
        refusal(parts.join(""));
        refusal(parts.join(" "));
      }),
      { numRuns: 2000 },
    );
  });

  const suite: Check = {
    id: "test:npm test",
    kind: "test",
    command: "npm test",
    cwd: "/w",
    source: "package.json scripts.test",
    timeoutMs: 600_000,
  };

  test("a proof that is one of the project's own checks is that check", () => {
    const { checks } = screenProofs(["npm  run test", "node check.js"], "/w", [suite]);
    expect(checks).toEqual([
      suite,
      expect.objectContaining({ id: "proof:node check.js", kind: "proof", timeoutMs: 120_000 }),
    ]);
  });

  test("the same command in another folder is another check", () => {
    const { checks } = screenProofs(["npm test"], "/w", [{ ...suite, cwd: "/w/a" }]);
    expect(checks.map((check) => check.id)).toEqual(["proof:npm test"]);
  });

  test("a proof that is named twice is run once", () => {
    const { checks, refused: no } = screenProofs(["node a.js", " node a.js ", "true"], "/w", []);
    expect(checks).toHaveLength(1);
    expect(no).toEqual([{ command: "true", reason: expect.stringContaining("cannot fail") }]);
  });

  test("spellings of the same command are the same, different commands are not", () => {
    expect(canonical("go test -json ./...")).toBe(canonical("go test ./..."));
    expect(canonical("python3 -m pytest")).toBe(canonical("pytest"));
    expect(canonical("python3 -m unittest")).toBe(canonical("python3 -m unittest discover -v"));
    expect(canonical("python3 -m unittest -v")).toBe(canonical("python3 -m unittest discover"));
    expect(canonical("python3 -m unittest test_a")).not.toBe(canonical("python3 -m unittest"));
    expect(canonical("npm run test")).toBe(canonical("npm t"));
    expect(canonical("bun test")).not.toBe(canonical("bun run test"));
    expect(canonical("npm test -- a")).not.toBe(canonical("npm test"));
  });
});
