import { isAbsolute, join, relative } from "node:path";
import { kindOf, look } from "./state.ts";

/** A folder that is recorded: `prefix` goes before the paths of a walk through it, and "" stands for the workspace. */
export interface Root {
  path: string;
  prefix: string;
  /** Where the workspace lies inside an added folder, with a slash behind: it is walked by itself. */
  inner: string | undefined;
}

/** The workspace first, then the added folders, those within it too: no rule hides a root. All absolute and real. */
export function rootsOf(workspace: string, addDirs: readonly string[]): Root[] {
  const roots: Root[] = [{ path: workspace, prefix: "", inner: undefined }];
  for (const path of addDirs) {
    if (path === workspace) continue;
    const inner = within(path, workspace);
    roots.push({ path, prefix: `${relative(workspace, path)}/`, inner: inner === undefined ? undefined : `${inner}/` });
  }
  return roots;
}

/** `path` relative to `folder` where it lies below it. */
export function within(folder: string, path: string): string | undefined {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith("../") && !isAbsolute(way) ? way : undefined;
}

/** The root that holds the recorded path `key`, the innermost first, and the path below it. */
export function locate(roots: readonly Root[], key: string): { root: Root; way: string } | undefined {
  const absolute = join(roots[0]!.path, key);
  let best: { root: Root; way: string } | undefined;
  for (const root of roots) {
    const way = within(root.path, absolute);
    if (way !== undefined && (!best || way.length < best.way.length)) best = { root, way };
  }
  return best;
}

/**
 * The first part of `way` that is there and is no folder: a link above all, which might lead out. Nothing behind it is
 * looked at.
 */
export function barrierOn(root: Root, way: string): string | undefined {
  const top = look(root.path);
  if (!top || kindOf(top) !== "dir") return "";
  for (let end = way.indexOf("/"); end >= 0; end = way.indexOf("/", end + 1)) {
    const stats = look(`${root.path}/${way.slice(0, end)}`);
    if (!stats) return undefined;
    if (kindOf(stats) !== "dir") return way.slice(0, end);
  }
  return undefined;
}

/** Keys of a path and of the folders above it; empty where it is not ours to record. `path`: from the workspace on. */
export function coverable(roots: readonly Root[], path: string): string[] {
  const place = locate(roots, path);
  if (!place || place.way.split("/").includes(".git") || barrierOn(place.root, place.way) !== undefined) return [];
  const keys: string[] = [];
  for (let end = place.way.indexOf("/"); end >= 0; end = place.way.indexOf("/", end + 1)) {
    keys.push(place.root.prefix + place.way.slice(0, end));
  }
  return [...keys, place.root.prefix + place.way];
}
