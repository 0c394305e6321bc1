/** An output by which it is known that nothing was measured, and the reason in words (`$1` is what was captured). */
interface Sign {
  pattern: RegExp;
  reason: string;
}

function signs(): Sign[] {
  return [
    { pattern: /npm (?:error|ERR!) Missing script: "?([^"\n]+)"?/, reason: "the script $1 is missing" },
    { pattern: /ERR_PNPM_NO_SCRIPT.*Missing script: (\S+)/, reason: "the script $1 is missing" },
    { pattern: /error Command "(\S+)" not found\./, reason: "the script $1 is missing" },
    { pattern: /Couldn't find a script named "(\S+?)"/, reason: "the script $1 is missing" },
    { pattern: /^error: Script not found "(.+)"$/m, reason: "the script $1 is missing" },
    { pattern: /\*\*\* No rule to make target [`'](\S+)'\.\s+Stop/, reason: "the make target $1 is missing" },
    {
      pattern: /^make(?:\[\d+\])?: ([^\s/:]+): (?:No such file or directory|Command not found)$/m,
      reason: "$1 is not installed",
    },
    { pattern: /python[\d.]*: No module named (\S+)$/m, reason: "the Python module $1 is not installed" },
    { pattern: /^error: no such command: `(\S+)`/m, reason: "cargo $1 is not installed" },
    { pattern: /^error: '(\S+)' is not installed for the toolchain/m, reason: "$1 is not installed" },
    {
      pattern: /npm (?:error|ERR!) code (?:EAI_AGAIN|ENOTFOUND|ECONNREFUSED)/,
      reason: "packages could not be fetched",
    },
    {
      pattern: /^(?:error|warning): .*(?:failed to download|spurious network error)/m,
      reason: "crates could not be fetched",
    },
    { pattern: /^\s*failed to get `(\S+)` as a dependency/m, reason: "the crate $1 could not be fetched" },
    {
      pattern: /^.*(?:Get "https?:\/\/\S+"|proxy\.golang\.org\S*): (?:dial tcp|proxyconnect)/m,
      reason: "Go modules could not be fetched",
    },
    {
      pattern:
        /(?:Could not (?:transfer|resolve|find) (?:artifact|dependencies)|Non-resolvable parent POM|resolution will not be reattempted)/,
      reason: "Maven artifacts could not be fetched",
    },
    {
      pattern: /^.*(?:Could not resolve all |UnknownHostException: services\.gradle)/m,
      reason: "Gradle dependencies could not be fetched",
    },
    { pattern: /\bNU1301\b/, reason: "NuGet packages could not be fetched" },
  ];
}

/**
 * Why a check measured nothing although it ended with a failure: its program, its script or its packages are not there.
 * Undefined where the failure is the project's own. A missing file of the project (`./run.sh`) is a failure.
 */
export function unavailableReason(exitCode: number | null, output: string): string | undefined {
  if (exitCode === 0 || exitCode === null) return undefined;
  if (exitCode === 127 || exitCode === 126) {
    const name =
      /(?:^|: |line \d+: )([^\s:]+): (?:command not found|not found|No such file or directory|Permission denied)/m.exec(
        output,
      )?.[1];
    if (name?.includes("/")) return undefined;
    return name ? `${name} is not installed` : "its program is not installed";
  }
  for (const { pattern, reason } of signs()) {
    const match = pattern.exec(output);
    if (match) return reason.replace("$1", match[1] ?? "");
  }
  return undefined;
}
