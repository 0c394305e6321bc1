/** Programs that start another one which their arguments name: `env A=b git push`, `uv run pytest`. */

/** How the real command is found behind such a program. */
interface Wrapper {
  /** A word that has to come first, behind options: without it nothing else is started. */
  verb?: RegExp;
  /** Options that take the next word as their value. */
  valued?: RegExp;
  /** Words that come before the command: a time, a folder, a file to lock. */
  operands?: number;
}

/**
 * The words of the command that `name`, without its folder, starts in turn; undefined where it starts none, or none that
 * stands there as words.
 */
export function behindWrapper<W extends { text: string }>(name: string, args: readonly W[]): readonly W[] | undefined {
  if (name === "find") return behindExec(args);
  const wrapper = wrapperOf(name);
  if (!wrapper || (name === "env" && findSplit(args))) return undefined;
  // `command -v x` only asks whether x exists.
  if (name === "command" && /^-[vV]$/.test(args[0]?.text ?? "")) return undefined;
  let at = behindOptions(args, 0, wrapper);
  if (wrapper.verb) {
    if (!wrapper.verb.test(args[at]?.text ?? "")) return undefined;
    at = behindOptions(args, at + 1, wrapper);
  }
  return args.slice(at + (wrapper.operands ?? 0));
}

/**
 * The string that `env -S` takes apart into words; `before` are its other options and variables, `after` the words that
 * join those of the string. https://www.gnu.org/software/coreutils/manual/html_node/env-invocation.html
 */
export function splitString<W extends { text: string }>(
  args: readonly W[],
): { before: readonly W[]; holder: W | undefined; text: string; after: readonly W[] } | undefined {
  const found = findSplit(args);
  if (!found) return undefined;
  const { at, joined } = found;
  const behind = joined === undefined ? at + 1 : at;
  return {
    before: args.slice(0, at),
    holder: args[behind],
    text: joined ?? args[behind]?.text ?? "",
    after: args.slice(behind + 1),
  };
}

function findSplit(args: readonly { text: string }[]): { at: number; joined: string | undefined } | undefined {
  const valued = wrapperOf("env")!.valued!;
  for (let at = 0; at < args.length && isOption(args[at]!.text); at++) {
    const { text } = args[at]!;
    // Long options may be shortened, and no other one begins with an s.
    const split = /^(?:-[i0v]*S(.+)?|--s[a-z-]*(?:=(.*))?)$/s.exec(text);
    if (split) return { at, joined: split[1] ?? split[2] };
    if (text === "--") return undefined;
    if (valued.test(text)) at++;
  }
  return undefined;
}

function behindOptions(args: readonly { text: string }[], from: number, wrapper: Wrapper): number {
  let at = from;
  while (at < args.length && isOption(args[at]!.text)) {
    const { text } = args[at++]!;
    if (text === "--") break;
    if (wrapper.valued?.test(text)) at++;
  }
  return at;
}

/** Variables are set where options stand. */
function isOption(text: string): boolean {
  return /^-|^\w+=/.test(text);
}

function behindExec<W extends { text: string }>(args: readonly W[]): readonly W[] | undefined {
  const at = args.findIndex((word) => /^-(?:exec|execdir|ok|okdir)$/.test(word.text));
  if (at < 0) return undefined;
  const end = args.findIndex((word, index) => index > at && (word.text === ";" || word.text === "+"));
  return args.slice(at + 1, end < 0 ? undefined : end);
}

function wrapperOf(name: string): Wrapper | undefined {
  switch (name) {
    case "sudo":
    case "doas":
      return {
        valued:
          /^-[A-BEHKNPSVbeikns]*[ugpCDRThrtU]$|^--(?:user|group|prompt|chdir|chroot|host|role|type|other-user|close-from|command-timeout)$/,
      };
    case "env":
      return { valued: /^-[i0v]*[uCa]$|^--[uca][a-z]*0?$/ };
    case "xargs":
      return {
        // The values of `-e`, `-i`, `-l` and their long names are optional, and never words of their own.
        valued: /^-[0oprtx]*[IJnPLsdEaS]$|^--(?:max-args|max-procs|max-chars|delimiter|arg-file|process-slot-var)$/,
      };
    case "timeout":
    case "gtimeout":
      return { valued: /^-[ks]$|^--(?:kill-after|signal)$/, operands: 1 };
    case "nice":
      return { valued: /^-n$|^--adjustment$/ };
    case "ionice":
      return { valued: /^-[cnpPu]$/ };
    case "stdbuf":
      return { valued: /^-[ioe]$/ };
    case "time":
      return { valued: /^-[fo]$/ };
    case "watch":
      return { valued: /^-n$|^--interval$/ };
    case "flock":
      return { valued: /^-[wE]$/, operands: 1 };
    case "chroot":
      return { operands: 1 };
    case "strace":
    case "ltrace":
      return { valued: /^-[oepsSuEPIb]$/ };
    case "exec":
      return { valued: /^-a$/ };
    case "runuser":
      return { valued: /^-[ugGTsw]$|^--(?:user|group|supp-group|shell|whitelist-environment)$/ };
    case "setpriv":
      return {
        valued:
          /^--(?:ruid|euid|reuid|rgid|egid|regid|groups|inh-caps|ambient-caps|bounding-set|securebits|pdeathsig|selinux-label|apparmor-profile)$/,
      };
    case "taskset":
      return { operands: 1 };
    case "chrt":
      return { valued: /^-[TPD]$|^--sched-\w+$/, operands: 1 };
    case "unshare":
      return { valued: /^-[RwSG]$|^--(?:root|wd|setuid|setgid|propagation)$/ };
    case "nsenter":
      return { valued: /^-[tSGN]$|^--(?:target|setuid|setgid)$/ };
    case "systemd-run":
      return { valued: /^-[HMptuE]$|^--(?:unit|property|setenv|uid|gid|slice|description|working-directory|nice)$/ };
    case "numactl":
      return { valued: /^-[NmCpi]$/ };
    case "xvfb-run":
      return { valued: /^-[efnpsw]$/ };
    case "parallel":
      return { valued: /^-[jIPnaNLdS]$|^--(?:jobs|arg-file|colsep|delay|joblog|results|retries|timeout|sshlogin)$/ };
    case "direnv":
      return { verb: /^exec$/, operands: 1 };
    case "rbenv":
    case "pyenv":
    case "nodenv":
    case "asdf":
      return { verb: /^exec$/ };
    case "nohup":
    case "setsid":
    case "command":
    case "builtin":
    case "busybox":
    case "toybox":
    case "caffeinate":
    case "prlimit":
    case "unbuffer":
    case "fakeroot":
    case "catchsegv":
    case "chronic":
    case "entr":
    case "dbus-run-session":
      return {};
    case "npx":
    case "bunx":
    case "uvx":
      return { valued: /^(?:-p|--package|--from|--with|--python)$/ };
    default:
      return packageRunner(name);
  }
}

/** Those of package managers, which find the program among what the project depends on. */
function packageRunner(name: string): Wrapper | undefined {
  switch (name) {
    case "npm":
      return { verb: /^(?:exec|x)$/, valued: /^(?:-w|--package|--workspace|--prefix)$/ };
    case "pnpm":
      return { verb: /^(?:exec|dlx)$/, valued: /^(?:-[CF]|--dir|--filter|--package)$/ };
    case "yarn":
      return { verb: /^(?:exec|dlx)$/, valued: /^(?:-p|--cwd|--package)$/ };
    case "bun":
      return { verb: /^x$/, valued: /^--(?:cwd|package)$/ };
    case "uv":
      return {
        verb: /^run$/,
        valued:
          /^(?:-p|--(?:python|with|with-editable|with-requirements|env-file|extra|group|package|directory|project|index))$/,
      };
    case "poetry":
    case "pdm":
      return { verb: /^run$/, valued: /^(?:-[CPp]|--directory|--project)$/ };
    case "pipenv":
    case "rye":
      return { verb: /^run$/ };
    case "pipx":
      return { verb: /^run$/, valued: /^--(?:spec|python)$/ };
    case "bundle":
      return { verb: /^exec$/, valued: /^--gemfile$/ };
    default:
      return undefined;
  }
}

/** True for a runner of packages: who allows what it starts allows it by the runner's name. */
export function isPackageRunner(name: string): boolean {
  return packageRunner(name) !== undefined;
}
