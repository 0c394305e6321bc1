import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LandlockRules } from "./landlock.ts";
import { isWithin, type Policy } from "./policy.ts";

/** The policy as Landlock rules. */
export function landlockRules(input: {
  policy: Policy;
  network: "none" | "loopback" | "all";
  namespaces: boolean;
}): LandlockRules {
  const { policy, network, namespaces } = input;
  if (namespaces) {
    return {
      // `/dev` is made of harmless devices only, `/tmp` is the task's own.
      writable: [...policy.writable, "/tmp", "/var/tmp", "/dev", ...policy.cached.map(({ folder }) => folder)],
      writableFiles: [],
      readable: undefined,
      noTcp: network === "none",
      noAbstractSockets: network === "all",
    };
  }
  return {
    writable: [...policy.writable, "/dev/pts"],
    writableFiles: ["null", "zero", "full", "random", "urandom", "tty", "ptmx"].map((name) => `/dev/${name}`),
    readable: allBut(policy),
    noTcp: network !== "all",
    noAbstractSockets: true,
  };
}

/**
 * Landlock can only grant. So everything is granted beside the way down to what is hidden: of each folder on that way,
 * the other children.
 */
function allBut(policy: Policy): { folders: string[]; files: string[] } {
  const hidden = [...policy.hidden.folders, ...policy.hidden.files];
  const onTheWay = new Set<string>();
  for (const path of hidden)
    for (let at = dirname(path); ; at = dirname(at)) {
      onTheWay.add(at);
      if (at === "/") break;
    }
  const folders: string[] = [];
  const files: string[] = [];
  for (const folder of onTheWay) {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (hidden.includes(path) || onTheWay.has(path) || entry.isSymbolicLink()) continue;
      (entry.isDirectory() ? folders : files).push(path);
    }
  }
  const visible = policy.visible.filter((path) => !folders.some((folder) => isWithin(path, folder)));
  return { folders: [...folders, ...visible], files };
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
