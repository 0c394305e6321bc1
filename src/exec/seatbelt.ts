import type { Policy } from "./policy.ts";
import type { Jail } from "./sandbox.ts";

const SANDBOX_EXEC = "/usr/bin/sandbox-exec";

/** The sandbox of macOS: `sandbox-exec` with a profile (language: Apple's SBPL, as in /System/Library/Sandbox). */
export function createSeatbeltJail(input: { policy: Policy; network: "none" | "loopback" | "all" }): Jail {
  const profile = seatbeltProfile(input.policy, input.network);
  return {
    posture: {
      mode: "workspace",
      layers: ["seatbelt"],
      gaps: [
        "a process that leaves its group (setsid) can outlive its command",
        "processes and memory are not limited",
        ...(input.network === "loopback" ? ["127.0.0.1 is the machine's own: its services can be reached"] : []),
        ...(input.network === "all" ? ["the network is open"] : []),
      ],
    },
    env: { ...input.policy.env, ...input.policy.ownCaches },
    watched: [],
    enter: (path, argv) => ({
      argv: [SANDBOX_EXEC, "-p", profile, path, ...argv.slice(1)],
      report: undefined,
      end: () => ({ leftovers: false, failed: undefined }),
    }),
    close: async () => {},
  };
}

/**
 * The policy as a Seatbelt profile. Later rules win, so what is refused stands below what is allowed. Unlike mounts,
 * rules speak of names: they also hold for what does not exist yet.
 */
export function seatbeltProfile(policy: Policy, network: "none" | "loopback" | "all"): string {
  const hidden = [...policy.hidden.folders, ...policy.hidden.files];
  const guarded = [...policy.guarded, ...policy.watched];
  return [
    "(version 1)",
    "(deny default)",
    "(allow process-exec process-fork)",
    "(allow signal (target same-sandbox))",
    // Not covered by the first line.
    "(deny process-info*)",
    "(allow process-info* (target same-sandbox))",
    "(allow sysctl-read)",
    // Arguments and environment of the user's other processes, the agent's too.
    '(deny sysctl-read (sysctl-name "kern.procargs") (sysctl-name "kern.procargs2"))',
    "(allow mach-lookup",
    ...SERVICES.map((name) => `  (global-name ${quoted(name)})`),
    ")",
    "(allow ipc-posix-sem ipc-posix-shm)",
    "(allow pseudo-tty)",
    "(allow file-read*)",
    rule("allow file-write*", policy.writable),
    "(allow file-write* file-ioctl",
    ...DEVICES.map((pattern) => `  (${pattern})`),
    ")",
    // A writable folder inside of a hidden one is opened again.
    rule("deny file-read* file-write*", hidden),
    rule(
      "allow file-read* file-write*",
      policy.writable.filter((path) => hidden.some((at) => path.startsWith(`${at}/`))),
    ),
    rule(
      "allow file-read*",
      policy.visible.filter((path) => hidden.some((at) => path.startsWith(`${at}/`))),
    ),
    rule("deny file-write*", guarded),
    ...folders(guarded, policy.writable),
    ...networkRules(network, policy.writable),
  ]
    .filter((line) => line !== "")
    .join("\n");
}

/** What ordinary programs ask for: users and groups, name resolution, time zone, logging, certificates. */
const SERVICES = [
  "com.apple.system.opendirectoryd.libinfo",
  "com.apple.system.opendirectoryd.membership",
  "com.apple.system.notification_center",
  "com.apple.system.logger",
  "com.apple.logd",
  "com.apple.SystemConfiguration.configd",
  "com.apple.SystemConfiguration.DNSConfiguration",
  "com.apple.trustd",
  "com.apple.trustd.agent",
  "com.apple.bsd.dirhelper",
] as const;

const DEVICES = [
  'literal "/dev/null"',
  'literal "/dev/zero"',
  'literal "/dev/tty"',
  'literal "/dev/dtracehelper"',
  'literal "/dev/ptmx"',
  'regex #"^/dev/ttys[0-9]+$"',
  'regex #"^/dev/fd/[0-9]+$"',
] as const;

function rule(operation: string, paths: readonly string[]): string {
  if (paths.length === 0) return "";
  return [`(${operation}`, ...paths.map((path) => `  (subpath ${quoted(path)})`), ")"].join("\n");
}

/** A guarded path could be got around by renaming a folder above it. */
function folders(guarded: readonly string[], writable: readonly string[]): string[] {
  const above = new Set<string>();
  for (const path of guarded) {
    for (let at = path.slice(0, path.lastIndexOf("/")); at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
      if (writable.some((folder) => at === folder || at.startsWith(`${folder}/`))) above.add(at);
    }
  }
  if (above.size === 0) return [];
  return ["(deny file-write-unlink", ...[...above].map((path) => `  (literal ${quoted(path)})`), ")"];
}

/** Unix sockets are told by their paths: those in the task's own folders, and the one by which names are resolved. */
function networkRules(network: "none" | "loopback" | "all", own: readonly string[]): string[] {
  if (network === "none") return [];
  if (network === "all") {
    return [
      "(allow network*)",
      "(allow system-socket)",
      "(deny network-outbound (remote unix-socket))",
      rule("allow network*", own),
      '(allow network-outbound (literal "/private/var/run/mDNSResponder"))',
    ];
  }
  return [
    '(allow network-bind (local ip "localhost:*"))',
    '(allow network-inbound (local ip "localhost:*"))',
    '(allow network-outbound (remote ip "localhost:*"))',
    rule("allow network*", own),
  ];
}

function quoted(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
