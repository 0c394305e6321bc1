import { closeSync, readFileSync, writeFileSync } from "node:fs";
import { messageOf } from "../base/errors.ts";
import type { Libc } from "./libc.ts";
import { load } from "./loaded.ts";
import { KEEPER_READY, KEEPER_WAITS, keeperProgram } from "./namespaces.ts";
import { foreignSockets, type Policy } from "./policy.ts";
import type { Program } from "./program.ts";
import type { Machine } from "./syscalls.ts";

/** How long the keeper may take, ms. */
const KEEPER_MS = 5000;

/** The process that holds a task's namespaces open (namespaces.ts). */
export interface Keeper {
  pid: number;
  /** When it is set up: undefined, or why it could not be. */
  ready: Promise<string | undefined>;
  /** Its namespaces end with it and with the last command in them. */
  stop(): void;
}

interface KeeperInput {
  machine: Machine;
  policy: Policy;
  network: "none" | "loopback" | "all";
  libc: Libc;
}

/** Starts it; `ready` says whether it could set them up. */
export function spawnKeeper({ machine, policy, network, libc }: KeeperInput): Keeper {
  const sockets = foreignSockets(policy);
  const { fd, path, program } = load(libc, keeperProgram({ machine, policy, sockets, network, agent: process.pid }));
  const child = Bun.spawn([path], { stdio: ["pipe", "pipe", "ignore"], env: {}, cwd: "/", detached: true });
  closeSync(fd);
  child.unref();
  return { pid: child.pid, ready: handshake(child, program), stop: () => child.kill("SIGKILL") };
}

async function handshake(child: Bun.Subprocess<"pipe", "pipe", "ignore">, program: Program) {
  const timer = setTimeout(() => child.kill("SIGKILL"), KEEPER_MS);
  const reader = child.stdout.getReader();
  const next = async () => (await reader.read()).value ?? new Uint8Array();
  try {
    let said = await next();
    if (said[0] === KEEPER_WAITS && said.length === 1) {
      mapUsers(child.pid);
      child.stdin.write("\n");
      await child.stdin.flush();
      said = await next();
    }
    return said[0] === KEEPER_READY && said.length === 1 ? undefined : describeFault(said, program);
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(timer);
    await reader.cancel();
  }
}

/**
 * Inside, users have the numbers they have outside: root all of them, so that it can work on files of others as it
 * could without a sandbox, anybody else only his own.
 */
function mapUsers(pid: number): void {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid !== 0) {
    // Without it an unprivileged process may not map groups.
    writeFileSync(`/proc/${pid}/setgroups`, "deny");
    writeFileSync(`/proc/${pid}/uid_map`, `${uid} ${uid} 1`);
    writeFileSync(`/proc/${pid}/gid_map`, `${gid} ${gid} 1`);
    return;
  }
  for (const map of ["uid_map", "gid_map"]) {
    const known = readFileSync(`/proc/self/${map}`, "utf8").trim().split("\n");
    const same = known.map((line) => {
      const [inside, , count] = line.trim().split(/\s+/);
      return `${inside} ${inside} ${count}\n`;
    });
    writeFileSync(`/proc/${pid}/${map}`, same.join(""));
  }
}

function describeFault(said: Uint8Array, program: Program): string {
  if (said.length < 16) return "the keeper ended early";
  const view = new DataView(said.buffer, said.byteOffset);
  const call = program.describe(Number(view.getBigInt64(0, true)));
  return `${call} failed with error ${-Number(view.getBigInt64(8, true))}`;
}
