import { basename, dirname, join } from "node:path";
import type { ProjectClaim } from "../base/config.ts";
import { sha256Hex } from "../base/crypto/sha256.ts";
import { readRegular } from "../base/files.ts";
import { projectPaths } from "../base/paths.ts";
import { findSkillFiles, fingerprint } from "./files.ts";
import { leadsInto } from "./places.ts";
import { LARGEST_SOUL } from "./soul.ts";

/**
 * What a project would have an agent follow: its skills, evaluators and soul, with a hash of every file of theirs, so
 * that another text is asked about anew. Undefined where it brings none. @param workspace absolute and real
 */
export function skillsClaim(workspace: string): ProjectClaim | undefined {
  const { skills, evaluators, soul, root } = projectPaths(workspace);
  const files = [skills, evaluators].flatMap(findSkillFiles).filter((file) => leadsInto(file, root));
  const folders = files.map((file) => dirname(file));
  const own = readRegular(soul, LARGEST_SOUL);
  if (folders.length === 0 && own === undefined) return undefined;
  const lines = folders.map((folder) => `${folder.slice(root.length)} ${fingerprint(folder)}`);
  return {
    of: "skills",
    file: join(root, folders.length > 0 ? ".agents" : ".openkoi"),
    source: [...lines, ...(own ? [`soul ${sha256Hex(own)}`] : [])].join("\n"),
    keys: [...folders.map((folder) => basename(folder)), ...(own ? ["SOUL.md"] : [])],
  };
}
