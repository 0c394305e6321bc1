import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isObject } from "../base/schema.ts";
import { codeOf } from "./faults.ts";
import { look } from "./state.ts";

/** A process, told apart from a later one with the same number. */
export interface Owner {
  pid: number;
  /** When the process started, in the system's own count; "" where the system does not say. */
  started: string;
  /** The running system and its process numbering: pids of another one say nothing here. */
  place: string;
}

/**
 * A claim is a file of its own in a folder that contenders share: made first, then the others are looked at. Of two
 * that do so at the same time, at least one sees the other, so no more than one can find itself alone. No claim is
 * ever overwritten or taken for another: a dead owner's is simply removed, which can hit nobody else.
 */
export interface Claim extends Owner {
  /** The file's name: unique. */
  name: string;
  task: string;
  /** Milliseconds since 1970. */
  since: number;
}

/** How often an owner shows that it lives, ms. Only looked at by those to whom its pid means nothing. */
export const HEARTBEAT = 10_000;
/** After so many ms without a sign, such an owner counts as dead. */
const SILENCE = 3 * HEARTBEAT;

export interface HeldClaim extends Claim {
  release(): void;
}

/** Makes a claim in `folder` and keeps it alive until it is released. */
export function makeClaim(folder: string, task: string, now: () => number): HeldClaim {
  const claim: Claim = {
    name: crypto.randomUUID(),
    task,
    ...ownerHere(),
    since: now(),
  };
  const path = join(folder, claim.name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${claim.name}`);
  writeFileSync(temporary, JSON.stringify(claim), { mode: 0o600 });
  renameSync(temporary, path);
  const beat = setInterval(() => {
    try {
      const time = new Date(now());
      utimesSync(path, time, time);
    } catch {
      // The folder is gone with the claim: then there is nothing to keep alive.
    }
  }, HEARTBEAT);
  beat.unref();
  return {
    ...claim,
    release() {
      clearInterval(beat);
      rmSync(path, { force: true });
    },
  };
}

/** Claims whose owners live, oldest first. Those of the dead are removed. */
export function livingClaims(folder: string, now: () => number): Claim[] {
  const living: Claim[] = [];
  for (const name of list(folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    const claim = readClaim(path, name);
    if (claim && isAlive(claim, path, now())) living.push(claim);
    else rmSync(path, { force: true });
  }
  return living.sort((a, b) => a.since - b.since || (a.name < b.name ? -1 : 1));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Undefined where it is gone, or is no claim at all. */
function readClaim(path: string, name: string): Claim | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isObject(value)) return undefined;
    const { task, pid, started, place, since } = value;
    if (typeof task !== "string" || typeof pid !== "number" || typeof since !== "number") return undefined;
    return { name, task, pid, started: String(started), place: String(place), since };
  } catch (error) {
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isAlive(claim: Claim, path: string, now: number): boolean {
  if (claim.place !== ownerHere().place) {
    const heard = look(path)?.mtimeMs ?? 0;
    return Math.abs(now - Math.max(heard, claim.since)) < SILENCE;
  }
  return isOwnerAlive(claim);
}

/** What `ownerHere` found: it stays so as long as the process lives. */
let here: Owner | undefined;

/** This process. */
export function ownerHere(): Owner {
  here ??= { pid: process.pid, started: startOf(process.pid), place: placeOf() };
  return here;
}

/** Whether an owner of this very place still runs. */
export function isOwnerAlive({ pid, started }: Pick<Owner, "pid" | "started">): boolean {
  return isRunning(pid) && (started === "" || started === startOf(pid));
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** Field 22 of /proc/PID/stat (proc(5)): a pid that was given away again started later. "" for a zombie: it is dead. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

function placeOf(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}
